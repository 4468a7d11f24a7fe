//! Signing out.

use crate::kept::{KeptAccount, Presence};
use crate::view::Stage;
use crate::{Effect, State, Wake};

/// How long before the gateway is told once more that somebody signed out.
const LEAVE_MS: u32 = 10_000;

impl State {
    pub(crate) fn sign_out(&mut self, keep: bool) {
        let account = self.account_name();
        self.leave(&account, keep);
        self.effect(Effect::SayLeft { account, keep });
    }

    /// The person signed out, in this worker or in another. What this device keeps of them stays, out of sight, or is
    /// removed. That they did is remembered until the gateway has heard it: a cookie that no page can read still names them.
    #[inline(never)]
    pub(crate) fn leave(&mut self, account: &str, keep: bool) {
        if self.who.is_none() || self.account_name() != account {
            if !keep {
                self.remove_kept(account);
            }
            return;
        }
        if keep {
            if self.keeps {
                self.put_away(Presence::Leaving);
            }
            self.put_drafts_away();
        } else {
            self.keep_from_now_on(false);
            self.remove_drafts(account);
            self.note_leaving();
        }
        self.kept_elsewhere = Some(false);
        self.go_on_leaving();
    }

    /// Somebody who left here before was here again with another worker, and wants nothing left.
    fn remove_kept(&mut self, account: &str) {
        let is_theirs = |kept: &KeptAccount| kept.who.account == account;
        if self.kept_account.as_deref().is_some_and(is_theirs) {
            self.kept_account = None;
            self.effect(Effect::Wipe);
            if self.leaving {
                self.note_leaving();
            }
        }
        self.remove_drafts(account);
    }

    /// Nothing of the person who leaves is kept but that they do. Where changes of somebody else wait, it is noted with them.
    fn note_leaving(&mut self) {
        let mut kept = self.kept_account.take().unwrap_or_default();
        kept.presence = Presence::Leaving;
        self.remember(kept);
    }

    /// Nobody is here any more, whatever the session says.
    pub(crate) fn go_on_leaving(&mut self) {
        self.leaving = true;
        self.effect(Effect::Disconnect);
        self.line_gone();
        self.forget_account();
        if self.stage != Stage::SigningIn {
            self.show_sign_in();
            self.tell_of_leaving();
        }
    }

    pub(crate) fn tell_of_leaving(&mut self) {
        if self.leaving {
            self.effect(Effect::SignOut);
        }
    }

    /// The gateway was told that the person signed out, or could not be.
    #[inline(never)]
    pub(crate) fn session_ended(&mut self, told: bool) {
        if !self.leaving {
            return;
        }
        if !told {
            self.effect(Effect::Wake {
                wake: Wake::SignOut,
                after_ms: LEAVE_MS,
            });
            return;
        }
        self.leaving = false;
        if let Some(mut kept) = self.kept_account.take() {
            if kept.who.account.is_empty() {
                self.effect(Effect::Wipe);
            } else {
                kept.presence = Presence::Left;
                self.remember(kept);
            }
        }
    }
}
