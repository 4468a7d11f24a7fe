//! Icons: one path each, drawn in the colour of the text, on a 24 by 24 grid.

use leptos::prelude::*;
use roost_wire::Role;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    Inbox,
    Drafts,
    Sent,
    Archive,
    Junk,
    Trash,
    Folder,
    Star,
    Starred,
    Attachment,
    Back,
    Menu,
    Search,
    Close,
    Settings,
    Help,
    Unread,
    Read,
    Move,
    More,
    Up,
    Down,
    Print,
    Code,
    Download,
    Image,
    Plus,
    SignOut,
    Reply,
    ReplyAll,
    Forward,
    Compose,
    Clock,
    Camera,
}

/// Roost's own, as a decoration: drawn in the page, which takes less than an image of its own document.
pub fn logo() -> impl IntoView {
    view! { <span class="logo" aria-hidden="true" inner_html=include_str!("../../../public/icon.svg")></span> }
}

impl Icon {
    pub fn of_role(role: Option<Role>) -> Self {
        match role {
            Some(Role::Inbox) => Self::Inbox,
            Some(Role::Drafts) => Self::Drafts,
            Some(Role::Sent) => Self::Sent,
            Some(Role::Archive | Role::All) => Self::Archive,
            Some(Role::Junk) => Self::Junk,
            Some(Role::Trash) => Self::Trash,
            Some(Role::Flagged) => Self::Star,
            None => Self::Folder,
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Camera => "M3 8h4l2-3h6l2 3h4v12H3zM12 17.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8z",
            Self::Inbox => "M4 13h4l2 3h4l2-3h4M4 13l3-8h10l3 8v6H4z",
            Self::Drafts => "M5 3h9l5 5v13H5zM14 3v5h5M9 13h6M9 17h4",
            Self::Sent => "M21 3 3 10.5l7 3 3 7zM10 13.5 21 3",
            Self::Archive => "M3 4h18v5H3zM5 9v11h14V9M10 13h4",
            Self::Junk => "M8 3h8l5 5v8l-5 5H8l-5-5V8zM12 8v5M12 16v.5",
            Self::Trash => "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
            Self::Folder => "M3 6h6l2 2h10v11H3z",
            Self::Star | Self::Starred => {
                "m12 3 2.8 5.8 6.2.9-4.5 4.4 1.1 6.2L12 17.4l-5.6 2.9 1.1-6.2L3 9.7l6.2-.9z"
            }
            Self::Attachment => {
                "m20 11-8.5 8.5a5 5 0 0 1-7-7L13 4a3.5 3.5 0 0 1 5 5l-8.500 8.500a2 2 0 0 1-3-3L14 7"
            }
            Self::Back => "M20 12H5M11 6l-6 6 6 6",
            Self::Menu => "M4 7h16M4 12h16M4 17h16",
            Self::Search => {
                "M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM15.500 15.500 21 21"
            }
            Self::Close => "M6 6l12 12M18 6 6 18",
            Self::Settings => {
                "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5zM9 14.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5z"
            }
            Self::Help => {
                "M9 9a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.200-1.500 2.400M12 17.500v.5M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z"
            }
            Self::Unread => "M3 6h18v13H3zM3 7l9 7 9-7",
            Self::Read => "M3 10 12 4l9 6v9H3zM3 10l9 5 9-5",
            Self::Move => "M3 6h6l2 2h10v4M3 6v13h8M14 17h7M18 14l3 3-3 3",
            Self::More => "M5 12h.010M12 12h.010M19 12h.010",
            Self::Up => "m6 15 6-6 6 6",
            Self::Down => "m6 9 6 6 6-6",
            Self::Print => "M7 8V3h10v5M7 17H4V8h16v9h-3M7 14h10v7H7z",
            Self::Code => "m9 7-5 5 5 5M15 7l5 5-5 5",
            Self::Download => "M12 4v11M7 11l5 5 5-5M4 20h16",
            Self::Image => "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.010",
            Self::Plus => "M12 5v14M5 12h14",
            Self::SignOut => "M10 4H5v16h5M9 12h11M16 8l4 4-4 4",
            Self::Compose => "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
            Self::Clock => "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4.5l3 1.8",
            Self::ReplyAll => "M13 8V4l-7 7 7 7v-4c4 0 6 1.500 8 6-.5-7-2-12-8-12zM7 4l-6 7 6 7",
            Self::Reply => "M10 8V4l-7 7 7 7v-4c5 0 8 1.500 11 6-.5-7-4-12-11-12z",
            Self::Forward => "M14 8V4l7 7-7 7v-4c-5 0-8 1.500-11 6 .5-7 4-12 11-12z",
        }
    }

    /// The icon as a decoration; what carries it names itself.
    pub fn draw(self) -> impl IntoView {
        let class = if self == Self::Starred {
            "icon filled"
        } else {
            "icon"
        };
        view! {
            <svg class=class viewBox="0 0 24 24" aria-hidden="true">
                <path d=self.path() />
            </svg>
        }
    }
}
