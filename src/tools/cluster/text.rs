//! A cluster as tables.

use std::fmt;

use super::{ClusterPage, Member, Traffic};

impl fmt::Display for ClusterPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slots = &self.slots;
        let ready = if self.is_ready { "ready" } else { "not ready" };
        writeln!(f, "{}: {}, {ready}", self.replica, self.state)?;
        writeln!(
            f,
            "slots: {} held here of {} owned, {} unheld of {}, table {}",
            slots.held, slots.owned, slots.unheld, slots.all, slots.table
        )?;
        for note in self.notes() {
            writeln!(f, "note: {note}")?;
        }
        writeln!(f)?;
        write_table(
            f,
            &MEMBER_TITLES,
            self.members.iter().map(|it| self.row_of(it)),
        )?;
        writeln!(f)?;
        write_moves(self, f)?;
        if !self.traffic.is_empty() {
            writeln!(f)?;
            write_table(f, &TRAFFIC_TITLES, self.traffic.iter().map(Traffic::row))?;
        }
        Ok(())
    }
}

const MEMBER_TITLES: [&str; 7] = [
    "MEMBER", "STATE", "HELD", "OWNED", "REACH", "POLICIES", "VERSION",
];
const TRAFFIC_TITLES: [&str; 6] = [
    "TRAFFIC TO",
    "REACH",
    "CONNECTIONS",
    "SPANS TAKEN",
    "WAITING BYTES",
    "HELD BACK",
];

impl ClusterPage {
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.is_unsure {
            notes.push("was paused, and asks the others whether it still counts".to_owned());
        }
        if !self.has_majority {
            notes.push("half of the active members or more are out of reach".to_owned());
        }
        if !self.decided_dead_alone.is_empty() {
            let dead = self.decided_dead_alone.join(", ");
            notes.push(format!("counted as dead without a majority: {dead}"));
        }
        notes
    }

    fn row_of(&self, member: &Member) -> [String; 7] {
        let own = self.members.iter().find(|it| it.id == self.replica);
        let is_equal = own.is_none_or(|own| own.policy_hash == member.policy_hash);
        let reach = match (member.is_dead, member.is_suspect) {
            (true, _) => "dead",
            (false, true) => "suspect",
            _ if member.id == self.replica => "self",
            _ => "ok",
        };
        [
            member.id.clone(),
            member.state.clone(),
            member.slots_held.to_string(),
            member.slots_owned.to_string(),
            reach.to_owned(),
            if is_equal { "equal" } else { "DIFFERENT" }.to_owned(),
            member.version.clone(),
        ]
    }
}

impl Traffic {
    fn row(&self) -> [String; 6] {
        let held = match self.held_bytes {
            0 => "0".to_owned(),
            bytes => format!("{bytes} bytes for {:.1} s", self.held_age_seconds),
        };
        let to = self.to.as_deref();
        [
            to.unwrap_or("(unheld slots)").to_owned(),
            match to {
                None => "-",
                Some(_) if self.is_reachable => "ok",
                Some(_) => "none",
            }
            .to_owned(),
            self.connections.to_string(),
            self.spans_acknowledged.to_string(),
            self.waiting_bytes.to_string(),
            held,
        ]
    }
}

fn write_moves(page: &ClusterPage, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if page.moves.is_empty() && page.slots.awaited == 0 {
        return writeln!(f, "no moves under way");
    }
    for (target, slots) in &page.moves {
        writeln!(f, "moving: {slots} slots to {target}")?;
    }
    match page.slots.awaited {
        0 => Ok(()),
        slots => writeln!(f, "moving: {slots} slots to {}", page.replica),
    }
}

/// Columns as wide as their longest text, two spaces apart.
fn write_table<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    titles: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> fmt::Result {
    let rows: Vec<[String; N]> = std::iter::once(titles.map(str::to_owned))
        .chain(rows)
        .collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in &rows {
        let cells = row.iter().zip(widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        writeln!(f, "{}", line.join("  ").trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: &str, policy_hash: &str, is_suspect: bool) -> Member {
        Member {
            id: id.to_owned(),
            state: "active".to_owned(),
            policy_hash: policy_hash.to_owned(),
            slots_held: 2048,
            slots_owned: 2048,
            version: "0.1.0".to_owned(),
            is_suspect,
            ..Member::default()
        }
    }

    fn page() -> ClusterPage {
        ClusterPage {
            replica: "r1".to_owned(),
            state: "active".to_owned(),
            is_ready: true,
            has_majority: true,
            members: vec![member("r1", "aa", false), member("r-2", "bb", true)],
            moves: [("r-2".to_owned(), 7)].into(),
            traffic: vec![Traffic {
                to: Some("r-2".to_owned()),
                held_bytes: 1_000,
                held_age_seconds: 2.0,
                ..Traffic::default()
            }],
            ..ClusterPage::default()
        }
    }

    #[test]
    fn suspicion_other_policies_moves_and_what_is_held_back_show() {
        let text = page().to_string();
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        for wanted in [
            vec!["r1", "active", "2048", "2048", "self", "equal", "0.1.0"],
            vec![
                "r-2",
                "active",
                "2048",
                "2048",
                "suspect",
                "DIFFERENT",
                "0.1.0",
            ],
            vec!["moving:", "7", "slots", "to", "r-2"],
            vec![
                "r-2", "none", "0", "0", "0", "1000", "bytes", "for", "2.0", "s",
            ],
        ] {
            assert!(lines.contains(&wanted), "{wanted:?} in\n{text}");
        }
    }

    #[test]
    fn columns_stand_below_their_titles() {
        let text = page().to_string();
        let column = |line: &str, word| line.find(word).expect(word);
        let mut lines = text.lines().skip_while(|line| !line.starts_with("MEMBER"));
        let [titles, first, second] = std::array::from_fn(|_| lines.next().unwrap());
        assert_eq!(column(titles, "POLICIES"), column(first, "equal"));
        assert_eq!(column(titles, "POLICIES"), column(second, "DIFFERENT"));
    }

    #[test]
    fn an_unready_replica_and_unheld_slots_are_trouble() {
        assert_eq!(page().trouble(), None);
        let mut unheld = page();
        (unheld.slots.unheld, unheld.slots.all) = (3, 4096);
        assert!(unheld.trouble().unwrap().contains("3 of 4096"));
        let unready = ClusterPage {
            is_ready: false,
            state: "joining".to_owned(),
            ..page()
        };
        assert!(unready.trouble().unwrap().contains("joining"));
    }
}
