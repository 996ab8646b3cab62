// Requests to our own server. A failure is a value: { refusal } beside { body }.
import { atHome } from './home.mjs';
import { fromResponse, silence } from '../core/refusal.mjs';

export async function call(method, path, { body, token, fetch = globalThis.fetch } = {}) {
  const headers = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (token) headers.authorization = `Bearer ${token}`;
  let response;
  try {
    response = await fetch(atHome(path), { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: 'no-store', credentials: 'same-origin' });
  } catch {
    return { refusal: silence() };
  }
  if (!response.ok) return { refusal: await fromResponse(response) };
  if (response.status === 204) return { body: null };
  try {
    return { body: await response.json() };
  } catch {
    return { refusal: await fromResponse(response) };
  }
}
