//! Calls of WeChat's API on behalf of others, with our access_token. Who may make them is not known here.

pub mod figures;
