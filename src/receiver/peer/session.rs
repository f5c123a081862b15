//! How far the greeting of a connection has come.

use parking_lot::Mutex;

use crate::batch::peer::hello::{Hello, Secret, Side};
use crate::batch::replica::Life;
use crate::receiver::status::Failure;

/// The greeting of one connection: once each, in order.
#[derive(Debug, Default)]
pub(super) struct Session(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Fresh,
    Greeted {
        caller: Box<Hello>,
        answerer: Box<Hello>,
    },
    Proven(Life),
    Failed,
}

impl Session {
    /// The caller has said hello, and we have.
    pub(super) fn greet(&self, caller: Hello, answerer: Hello) -> Result<(), Failure> {
        let mut state = self.0.lock();
        if !matches!(*state, State::Fresh) {
            return Err(Failure::NotGreeted);
        }
        *state = State::Greeted {
            caller: Box::new(caller),
            answerer: Box::new(answerer),
        };
        Ok(())
    }

    /// Checks the caller's proof, for which there is one attempt, and gives ours.
    pub(super) fn prove(&self, proof: &[u8], secret: &Secret) -> Result<Vec<u8>, Failure> {
        let mut state = self.0.lock();
        let State::Greeted { caller, answerer } = std::mem::replace(&mut *state, State::Failed)
        else {
            return Err(Failure::NotGreeted);
        };
        secret.check(proof, Side::Caller, &caller, &answerer)?;
        let ours = secret.proof(Side::Answerer, &caller, &answerer).to_vec();
        *state = State::Proven(caller.life);
        Ok(ours)
    }

    /// Who is at the other end.
    pub(super) fn peer(&self) -> Result<Life, Failure> {
        match &*self.0.lock() {
            State::Proven(life) => Ok(life.clone()),
            _ => Err(Failure::NotGreeted),
        }
    }

    pub(super) fn is_proven(&self) -> bool {
        matches!(*self.0.lock(), State::Proven(_))
    }
}
