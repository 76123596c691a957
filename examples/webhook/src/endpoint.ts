import { SallyportError } from '@sallyport/core';

/**
 * Where to post: HTTPS, or plain HTTP to this computer. The operator chooses it; a receiver cannot move it, as
 * redirects are not followed.
 */
export function parseEndpoint(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) throw refused('is not a URL');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw refused('is neither https nor on this computer');
  }
  // fetch refuses such URLs, at the first event.
  if (url.username !== '' || url.password !== '') throw refused('holds a user name or a password');
  return url;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** Without the URL: its path is often a secret. */
function refused(problem: string): SallyportError {
  return new SallyportError('CONFIG_INVALID', `The URL of the webhook ${problem}.`, {
    hint: 'Give an https URL, or an http URL of 127.0.0.1, ::1 or localhost.',
  });
}
