//! Objectives: how long a request may take, by service and route.

use std::fmt;

use serde::Deserialize;

/// `config` of the policy file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The first that fits a request counts.
    objectives: Vec<Objective>,
    /// The root's attribute that names the route; where it has none, the root's name does.
    #[serde(default = "http_route")]
    route_attribute: String,
}

/// What is promised of some routes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// The root's service; any if left out.
    #[serde(default)]
    service: Option<String>,
    /// A route, or what it begins with before a `*`; any if left out.
    #[serde(default)]
    route: Option<String>,
    /// Longest time that keeps the promise.
    latency_ms: f64,
    /// Whether a root that failed breaks it too.
    #[serde(default = "yes")]
    errors: bool,
    /// Share of the requests within the promise that is kept, for comparison.
    #[serde(default)]
    share_within: f64,
}

fn http_route() -> String {
    "http.route".to_owned()
}

fn yes() -> bool {
    true
}

impl Settings {
    /// Reads JSON. The error is shown at the policy's place in its file.
    pub fn parse(json: &str) -> Result<Self, String> {
        // A list would be taken for the fields in their order.
        if !json.trim_start().starts_with('{') {
            return Err("config is no mapping; write config: {objectives: [{latency_ms: 500}]}".to_owned());
        }
        let settings: Self = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if settings.objectives.is_empty() {
            return Err("objectives is empty: nothing would ever be kept".to_owned());
        }
        for (index, objective) in settings.objectives.iter().enumerate() {
            let wrong = |what: &str| Err(format!("objectives[{index}].{what}"));
            if objective.latency_ms.is_nan() || objective.latency_ms <= 0.0 {
                return wrong("latency_ms is not above 0");
            }
            if !(0.0..=1.0).contains(&objective.share_within) {
                return wrong("share_within is not from 0 to 1");
            }
            let earlier = settings.objectives.iter().take(index);
            if earlier.clone().any(|earlier| earlier.covers(objective)) {
                return wrong("route never gets its turn: an objective before it fits the same requests");
            }
        }
        Ok(settings)
    }

    /// The root's attribute that names the route.
    pub fn route_attribute(&self) -> &str {
        &self.route_attribute
    }

    /// The objective of a request.
    pub fn find(&self, service: &str, route: &str) -> Option<&Objective> {
        let mut objectives = self.objectives.iter();
        objectives.find(|objective| objective.fits(service, route))
    }
}

impl Objective {
    /// Whether a request of `duration_ms` breaks the promise.
    pub fn is_exceeded_by(&self, duration_ms: f64) -> bool {
        duration_ms > self.latency_ms
    }

    /// Whether failing breaks it too.
    pub fn counts_errors(&self) -> bool {
        self.errors
    }

    /// Share of the requests within it that is kept.
    pub fn share_within(&self) -> f64 {
        self.share_within
    }

    fn fits(&self, service: &str, route: &str) -> bool {
        let is_service = self.service.as_ref().is_none_or(|own| own == service);
        is_service && self.route.as_ref().is_none_or(|own| route_fits(own, route))
    }

    /// Whether every request that fits `other` fits this one.
    fn covers(&self, other: &Self) -> bool {
        let services = match (&self.service, &other.service) {
            (None, _) => true,
            (own, other) => own == other,
        };
        let routes = match (&self.route, &other.route) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => match other.strip_suffix('*') {
                Some(prefix) => own.ends_with('*') && route_fits(own, prefix),
                None => route_fits(own, other),
            },
        };
        services && routes
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let route = self.route.as_deref().unwrap_or("any route");
        write!(f, "{} ms for {route}", self.latency_ms)
    }
}

fn route_fits(pattern: &str, route: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => route.starts_with(prefix),
        None => route == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECTIVES: &str = r#"{"objectives": [
        {"service": "shop", "route": "/checkout", "latency_ms": 300, "share_within": 0.01},
        {"service": "shop", "route": "/search/*", "latency_ms": 800, "errors": false},
        {"latency_ms": 2000}
    ]}"#;

    fn latency_ms(service: &str, route: &str) -> f64 {
        let settings = Settings::parse(OBJECTIVES).unwrap();
        settings.find(service, route).unwrap().latency_ms
    }

    fn refusal(objectives: &str) -> String {
        Settings::parse(&format!(r#"{{"objectives": [{objectives}]}}"#)).unwrap_err()
    }

    #[test]
    fn the_first_objective_that_fits_counts() {
        assert_eq!(latency_ms("shop", "/checkout"), 300.0);
        assert_eq!(latency_ms("shop", "/search/shoes"), 800.0);
        assert_eq!(latency_ms("shop", "/checkout/done"), 2000.0);
        assert_eq!(latency_ms("blog", "/checkout"), 2000.0);
    }

    #[test]
    fn without_a_rest_some_requests_have_no_objective() {
        let settings = r#"{"objectives": [{"route": "/a", "latency_ms": 1}]}"#;
        assert!(Settings::parse(settings).unwrap().find("shop", "/b").is_none());
    }

    #[test]
    fn a_request_that_takes_just_as_long_is_in_time() {
        let settings = Settings::parse(OBJECTIVES).unwrap();
        let objective = settings.find("shop", "/checkout").unwrap();
        assert!(!objective.is_exceeded_by(300.0));
        assert!(objective.is_exceeded_by(300.001));
        assert!(objective.counts_errors());
    }

    #[test]
    fn objectives_that_make_no_sense_are_refused_by_their_place() {
        assert!(refusal("").contains("empty"));
        assert_eq!(refusal(r#"{"latency_ms": 0}"#), "objectives[0].latency_ms is not above 0");
        let share = r#"{"latency_ms": 1, "share_within": 5}"#;
        assert!(refusal(share).starts_with("objectives[0].share_within"));
        assert!(refusal(r#"{"latency": 1}"#).contains("unknown field `latency`"));
        for wrong in ["null", "5", r#"[[{"latency_ms": 1}]]"#] {
            let error = Settings::parse(wrong).unwrap_err();
            assert!(error.starts_with("config is no mapping"), "{wrong}: {error}");
        }
    }

    #[test]
    fn objectives_that_never_get_their_turn_are_refused() {
        let pair = |first: &str, second: &str| {
            let objective = |route: &str| format!(r#"{{"route": "{route}", "latency_ms": 1}}"#);
            format!("{}, {}", objective(first), objective(second))
        };
        for (first, second) in [("/a", "/a"), ("/*", "/a"), ("/*", "/a*"), ("*", "/a")] {
            assert!(refusal(&pair(first, second)).starts_with("objectives[1].route"));
        }
        for (first, second) in [("/a", "/*"), ("/a*", "/b"), ("/a*", "/*")] {
            let settings = format!(r#"{{"objectives": [{}]}}"#, pair(first, second));
            assert!(Settings::parse(&settings).is_ok(), "{first} before {second}");
        }
    }
}
