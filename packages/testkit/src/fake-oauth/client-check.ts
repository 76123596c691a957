import type { IncomingMessage } from 'node:http';

import type { OauthClient, OauthTable } from './table.ts';

export type ClientCheck =
  | { readonly client: OauthClient; readonly get: (name: string) => string }
  | { readonly error: string; readonly problem: string };

/** The application behind a request, and that it is who it says (RFC 6749 §2.3.1). */
export function checkClient(
  request: IncomingMessage,
  parameters: ReadonlyMap<string, string>,
  { clients }: OauthTable,
): ClientCheck {
  const get = (name: string): string => parameters.get(name) ?? '';
  const basic = basicCredentials(request);
  const id = basic?.id ?? get('client_id');
  const client = clients.find((candidate) => candidate.id === id);
  if (!client) return { error: 'invalid_client', problem: 'client_id is not a registered application.' };
  if (basic && get('client_secret') !== '') {
    return { error: 'invalid_request', problem: 'The client authenticates in two ways at once.' };
  }
  if (client.secret !== undefined && client.secret !== (basic?.secret ?? get('client_secret'))) {
    return { error: 'invalid_client', problem: 'client_secret is wrong or missing.' };
  }
  if (client.secret === undefined && (basic?.secret ?? get('client_secret')) !== '') {
    return { error: 'invalid_client', problem: 'client_secret is given, but this is a public client, which has none.' };
  }
  return { client, get };
}

/** The scopes asked for, or `undefined` where the application may not have one of them. None asked: all of them. */
export function grantedScope(client: OauthClient, asked: string): string | undefined {
  const wanted = asked.split(' ').filter((scope) => scope !== '');
  if (wanted.length === 0) return client.scopes.join(' ');
  return wanted.every((scope) => client.scopes.includes(scope)) ? wanted.join(' ') : undefined;
}

/** Whether a link may lead there. */
export function isRegisteredRedirect({ redirectUris }: OauthClient, redirectUri: string): boolean {
  return redirectUris.some((registered) => withoutLoopbackPort(registered) === withoutLoopbackPort(redirectUri));
}

function withoutLoopbackPort(uri: string): string {
  return uri.replace(/^(http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)):\d{1,5}(?=\/)/, '$1');
}

function basicCredentials(request: IncomingMessage): { readonly id: string; readonly secret: string } | undefined {
  const encoded = /^Basic +(?<encoded>[A-Za-z0-9+/=]+)$/i.exec(request.headers.authorization ?? '')?.groups?.[
    'encoded'
  ];
  if (encoded === undefined) return undefined;
  const [id = '', ...secret] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return { id: decodeURIComponent(id), secret: decodeURIComponent(secret.join(':')) };
}
