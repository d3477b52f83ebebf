// What an operator may want otherwise: a file h5/settings.js in server.static_dir takes this one's place.

/** The official account whose users may sign in by WeChat, by its name in the configuration; empty for none. */
export const OAUTH_APP = 'demo-official';
