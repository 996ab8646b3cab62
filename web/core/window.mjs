// What a browser's window does to a connection: hidden for good or kept in the back-forward cache,
// shown again, back online, awake.

// Returns the function that ends it.
export function followWindow(connection, window = globalThis) {
  const { document } = window;
  const bonds = [
    [window, 'pagehide', () => connection.suspend()],
    [window, 'pageshow', () => connection.wake()],
    [document, 'freeze', () => connection.suspend()],
    [document, 'resume', () => connection.wake()],
    [window, 'online', () => connection.check()],
    [document, 'visibilitychange', () => { if (document.visibilityState === 'visible') connection.check(); }],
  ];
  for (const [target, type, listener] of bonds) target.addEventListener(type, listener);
  return () => { for (const [target, type, listener] of bonds) target.removeEventListener(type, listener); };
}
