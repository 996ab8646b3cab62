// foyer-client: what an application imports. The rest of this folder is its inside.
export { connect } from './client.mjs';
export { FoyerError } from './error.mjs';
