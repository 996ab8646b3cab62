// The client library at an address that stays: for pages of applications without a package manager.
export * from './core/index.mjs';
