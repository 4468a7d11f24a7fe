//! What a mail server can do. Nothing else in the gateway reads capability strings.

/// The extensions Roost makes use of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `STARTTLS`: <https://www.rfc-editor.org/rfc/rfc9051#section-6.2.1>
    pub starttls: bool,
    /// `LOGINDISABLED`: <https://www.rfc-editor.org/rfc/rfc9051#section-6.2.3>
    pub login_disabled: bool,
    /// `AUTH=PLAIN`: <https://www.rfc-editor.org/rfc/rfc4616>
    pub auth_plain: bool,
    /// `AUTH=OAUTHBEARER`: <https://www.rfc-editor.org/rfc/rfc7628>
    pub auth_oauthbearer: bool,
    /// `AUTH=XOAUTH2`: <https://developers.google.com/workspace/gmail/imap/xoauth2-protocol>
    pub auth_xoauth2: bool,
    /// `SASL-IR`: <https://www.rfc-editor.org/rfc/rfc4959>
    pub sasl_ir: bool,
    /// `LITERAL+`: <https://www.rfc-editor.org/rfc/rfc7888>
    pub literal_plus: bool,
    /// `IDLE`: <https://www.rfc-editor.org/rfc/rfc2177>
    pub idle: bool,
    /// `NOTIFY`: <https://www.rfc-editor.org/rfc/rfc5465>
    pub notify: bool,
    /// `CONDSTORE`: <https://www.rfc-editor.org/rfc/rfc7162>
    pub condstore: bool,
    /// `QRESYNC`: <https://www.rfc-editor.org/rfc/rfc7162>
    pub qresync: bool,
    /// `MOVE`: <https://www.rfc-editor.org/rfc/rfc6851>
    pub r#move: bool,
    /// `UIDPLUS`: <https://www.rfc-editor.org/rfc/rfc4315>
    pub uidplus: bool,
    /// `ESEARCH`: <https://www.rfc-editor.org/rfc/rfc4731>
    pub esearch: bool,
    /// `SPECIAL-USE`: <https://www.rfc-editor.org/rfc/rfc6154>
    pub special_use: bool,
    /// `LIST-EXTENDED`: <https://www.rfc-editor.org/rfc/rfc5258>
    pub list_extended: bool,
    /// `LIST-STATUS`: <https://www.rfc-editor.org/rfc/rfc5819>
    pub list_status: bool,
    /// `PREVIEW`: <https://www.rfc-editor.org/rfc/rfc8970>
    pub preview: bool,
    /// `REPLACE`: <https://www.rfc-editor.org/rfc/rfc8508>
    pub replace: bool,
    /// `ENABLE`: <https://www.rfc-editor.org/rfc/rfc5161>
    pub enable: bool,
}

impl Capabilities {
    /// From the words of a CAPABILITY response or code.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut capabilities = Self::default();
        for word in words {
            let field = match word.to_ascii_uppercase().as_str() {
                "STARTTLS" => &mut capabilities.starttls,
                "LOGINDISABLED" => &mut capabilities.login_disabled,
                "AUTH=PLAIN" => &mut capabilities.auth_plain,
                "AUTH=OAUTHBEARER" => &mut capabilities.auth_oauthbearer,
                "AUTH=XOAUTH2" => &mut capabilities.auth_xoauth2,
                "SASL-IR" => &mut capabilities.sasl_ir,
                "LITERAL+" => &mut capabilities.literal_plus,
                "IDLE" => &mut capabilities.idle,
                "NOTIFY" => &mut capabilities.notify,
                "CONDSTORE" => &mut capabilities.condstore,
                "QRESYNC" => &mut capabilities.qresync,
                "MOVE" => &mut capabilities.r#move,
                "UIDPLUS" => &mut capabilities.uidplus,
                "ESEARCH" => &mut capabilities.esearch,
                "SPECIAL-USE" => &mut capabilities.special_use,
                "LIST-EXTENDED" => &mut capabilities.list_extended,
                "LIST-STATUS" => &mut capabilities.list_status,
                "PREVIEW" => &mut capabilities.preview,
                "REPLACE" => &mut capabilities.replace,
                "ENABLE" => &mut capabilities.enable,
                _ => continue,
            };
            *field = true;
        }
        // RFC 7162, section 3.2.3: QRESYNC includes CONDSTORE and must be enabled.
        capabilities.qresync &= capabilities.enable;
        capabilities.condstore |= capabilities.qresync;
        capabilities
    }
}
