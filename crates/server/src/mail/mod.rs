//! Mail: the text of a letter, and the ways out: SMTP, or a folder of `.eml` files where none is configured. A request
//! never waits for either; the job in `jobs` sends what is queued.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::config::{Smtp, SmtpTls};

/// What a reset mail says; `{link}` and `{minutes}` are filled in. No text of a user's goes into it (RS-15).
const PASSWORD_RESET: &str = include_str!("templates/password_reset.txt");

/// Where mail goes.
pub(crate) enum Mailer {
    /// To an SMTP server.
    Smtp {
        /// The connection, made anew for each mail.
        transport: Box<AsyncSmtpTransport<Tokio1Executor>>,
        /// Who it is from.
        from: Mailbox,
        /// For one mail, from the connection to the server's last word.
        timeout: Duration,
    },
    /// Into a folder, one file a mail.
    Folder(PathBuf),
}

/// A mail could not be handed over. It is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailError {
    /// An address that no mail can be sent to.
    #[error("the address cannot be written into a mail: {0}")]
    Address(#[from] lettre::address::AddressError),
    /// The message could not be put together.
    #[error("the mail could not be put together: {0}")]
    Message(#[from] lettre::error::Error),
    /// The SMTP server.
    #[error("the mail server did not take it: {0}")]
    Smtp(#[from] lettre::transport::smtp::Error),
    /// The SMTP server said nothing for too long.
    #[error("the mail server did not take it in time")]
    TimedOut,
    /// The folder.
    #[error("cannot write the mail: {0}")]
    Io(#[from] io::Error),
}

/// Where a mail ended up, for the log.
pub(crate) enum Delivered {
    /// The server took it.
    Sent,
    /// It lies in this file.
    Written(PathBuf),
}

impl Mailer {
    /// A mailer for an SMTP server.
    ///
    /// # Errors
    /// [`MailError`] when the settings cannot be.
    pub(crate) fn smtp(smtp: &Smtp) -> Result<Self, MailError> {
        let parameters = || TlsParameters::new(smtp.host.clone());
        let tls = match smtp.tls {
            SmtpTls::None => Tls::None,
            SmtpTls::StartTls => Tls::Required(parameters()?),
            SmtpTls::Tls => Tls::Wrapper(parameters()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
            .port(smtp.port)
            .timeout(Some(smtp.timeout))
            .tls(tls);
        if let Some(user) = &smtp.user {
            builder = builder.credentials(Credentials::new(user.name.clone(), user.password.expose().clone()));
        }
        Ok(Self::Smtp { transport: Box::new(builder.build()), from: smtp.from.clone(), timeout: smtp.timeout })
    }

    /// A mailer that writes files; the folder is made.
    ///
    /// # Errors
    /// [`MailError::Io`].
    pub(crate) fn folder(folder: &Path) -> Result<Self, MailError> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(Self::Folder(folder.to_owned()))
    }

    /// Hands one mail over. `id` names its file and its `Message-ID`, so that a second try is seen to be the same mail.
    ///
    /// # Errors
    /// [`MailError`]; nothing was sent, or the server did not say.
    pub(crate) async fn deliver(&self, id: &str, to: &str, text: &Text) -> Result<Delivered, MailError> {
        match self {
            Self::Smtp { transport, from, timeout } => {
                // The transport's own limit is one of connecting only.
                let sent = transport.send(message(from.clone(), id, to, text)?);
                tokio::time::timeout(*timeout, sent).await.map_err(|_| MailError::TimedOut)??;
                Ok(Delivered::Sent)
            }
            Self::Folder(folder) => {
                let from = Mailbox::new(Some("Myna".to_owned()), "myna@localhost.localdomain".parse()?);
                let path = folder.join(format!("{id}.eml"));
                let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
                file.write_all(&message(from, id, to, text)?.formatted())?;
                Ok(Delivered::Written(path))
            }
        }
    }
}

/// Subject and body of a mail.
pub(crate) struct Text {
    subject: String,
    body: String,
}

/// The mail of a password reset. `base` is where the link leads (RS-01); without one the mail holds the token alone.
pub(crate) fn password_reset(base: Option<&str>, token: &str, email: &str, lifetime: Duration) -> Text {
    let link = base.map_or_else(|| token.to_owned(), |base| format!("{base}?token={token}&email={}", encode(email)));
    let minutes = lifetime.as_secs().div_ceil(60).to_string();
    let body = PASSWORD_RESET.replace("{minutes}", &minutes).replace("{link}", &link);
    Text { subject: "Reset your password".to_owned(), body }
}

fn message(from: Mailbox, id: &str, to: &str, text: &Text) -> Result<Message, MailError> {
    let host = from.email.domain().to_owned();
    Ok(Message::builder()
        .from(from)
        .to(Mailbox::new(None, to.parse()?))
        .subject(&text.subject)
        .message_id(Some(format!("<{id}@{host}>")))
        .header(ContentType::TEXT_PLAIN)
        .body(text.body.clone())?)
}

/// Percent-encodes all but RFC 3986's unreserved characters.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    // RS-14: what a user typed must not become a header.
    #[test]
    fn hostile_addresses_make_no_mail() {
        let text = password_reset(None, "t", "a@b.example", Duration::from_secs(60));
        for to in ["a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", "a", ""] {
            let from: Mailbox = "x@y.example".parse().unwrap();
            assert!(message(from, "1", to, &text).is_err(), "{to}");
        }
    }

    #[test]
    fn the_link_carries_token_and_address() {
        let text = password_reset(Some("https://app.example/reset"), "tok", "a+b@c.example", Duration::from_secs(90));
        assert!(text.body.contains("https://app.example/reset?token=tok&email=a%2Bb%40c.example\n"), "{}", text.body);
        assert!(text.body.contains("2 minutes"), "{}", text.body);
    }
}
