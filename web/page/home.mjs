// Where this page's server is: the folder above the one this file came from, which need not be
// the root of the host.
const HOME = import.meta.url.startsWith('http') ? new URL('..', import.meta.url).href : null; // null: a test, without a server

export const atHome = (path) => (HOME === null ? path : new URL(`.${path}`, HOME).href);
