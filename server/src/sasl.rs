//! What a client says to sign in (SASL, RFC 4422), the same towards IMAP and SMTP.

use crate::imap::{Credentials, Endpoint};

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// An access token, as RFC 7628 has it.
    OAuthBearer,
    /// An access token, as servers took it before that RFC:
    /// <https://developers.google.com/workspace/gmail/imap/xoauth2-protocol>
    XOAuth2,
}

impl Mechanism {
    /// Those that take an access token, the standard first.
    pub const TOKENS: [Self; 2] = [Self::OAuthBearer, Self::XOAuth2];

    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
        }
    }

    /// What is said first.
    pub fn initial(self, credentials: &Credentials, endpoint: &Endpoint) -> String {
        let Credentials { username, password } = credentials;
        match self {
            Self::Plain => format!("\0{username}\0{password}"),
            Self::OAuthBearer => format!(
                "n,a={},\x01host={}\x01port={}\x01auth=Bearer {password}\x01\x01",
                username.replace('=', "=3D").replace(',', "=2C"),
                endpoint.host,
                endpoint.port
            ),
            Self::XOAuth2 => format!("user={username}\x01auth=Bearer {password}\x01\x01"),
        }
    }

    /// What is said when the server, instead of refusing, says why it will: then it refuses.
    pub fn give_up(self) -> &'static str {
        match self {
            Self::Plain | Self::XOAuth2 => "",
            Self::OAuthBearer => "\x01",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imap::Protocol;

    #[test]
    fn tokens_are_said_as_servers_expect_them() {
        let endpoint = Endpoint::parse("imaps://imap.example.org", Protocol::Imap, false);
        let endpoint = endpoint.expect("an address");
        let credentials = Credentials {
            username: "a=b,c@example.org".to_owned(),
            password: "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==".to_owned(),
        };
        assert_eq!(
            Mechanism::OAuthBearer.initial(&credentials, &endpoint),
            "n,a=a=3Db=2Cc@example.org,\x01host=imap.example.org\x01port=993\x01\
             auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
        );
        assert_eq!(
            Mechanism::XOAuth2.initial(&credentials, &endpoint),
            "user=a=b,c@example.org\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
        );
    }
}
