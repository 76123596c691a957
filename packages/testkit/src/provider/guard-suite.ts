import type { ScreenView } from '@sallyport/core/engine';
import type { LoginMethod, Provider } from '@sallyport/core/provider';

import type { TestRunner } from '../runner.ts';
import { startLoginRun } from './login-run.ts';

/** Shows every method links that only look like its sign-in page, by every way a link can come. */
export function guardSuite({ manifest }: Provider, { describe, it, expect }: TestRunner): void {
  const methods = manifest.logins.filter(({ url }) => url !== undefined);
  // A runner takes a group without a test for a mistake.
  if (methods.length === 0) return;
  describe('the sign-in link', () => {
    for (const method of methods) {
      it(`of ${method.id} is announced when it is right`, () => {
        expect(announced(method, genuineLink(method))).toEqual([new URL(genuineLink(method)).href]);
      });

      const after = method.url?.textAfter;
      if (method.url?.sources.includes('text') && (after === undefined || 'text' in after)) {
        it(`of ${method.id} is announced whole when its CLI breaks it at 60 to 132 columns`, () => {
          const link = longLink(method);
          const wrong = widths.filter((width) => announcedFrom(method, brokenAt(link, width)).join(' ') !== link);
          expect(wrong).toEqual([]);
        });
      }

      it(`of ${method.id} is never announced when it only looks right`, () => {
        const page = method.url?.page;
        const wrong = lookAlikes(method).flatMap((link) => announced(method, link).filter((url) => url !== page));
        expect(wrong).toEqual([]);
      });
    }
  });
}

/** Of terminals, in columns. */
const widths = Array.from({ length: 132 - 60 + 1 }, (_, index) => 60 + index);

/** The smallest link, and a parameter that makes it as long as those of most vendors. */
function longLink(method: LoginMethod): string {
  const url = new URL(genuineLink(method));
  url.searchParams.set('session', '0a1B2c3D4e'.repeat(30));
  return url.href;
}

/** The rows of a link that its CLI wraps itself, as if the terminal were this wide. */
function brokenAt(link: string, width: number): readonly string[] {
  return Array.from({ length: Math.ceil(link.length / width) }, (_, row) => link.slice(row * width, (row + 1) * width));
}

/** What the engine announces when a screen of these rows stays. */
function announcedFrom(login: LoginMethod, rows: readonly string[]): readonly string[] {
  const method = login.userCode ? { ...login, userCode: { text: 'ABCD-12345' } } : login;
  const after = method.url?.textAfter;
  const ending = ['', ...(method.userCode ? ['   ABCD-12345'] : []), ...(after && 'text' in after ? [after.text] : [])];
  const screen: ScreenView = { lines: ['Open', ...rows, ...ending, ''], links: [] };
  let run = startLoginRun(method).observe({ type: 'screen', screen });
  for (const elapsedMs of [1000, 2000, 3000]) run = run.observe({ type: 'tick', elapsedMs });
  return run.outcome.urls;
}

/** What the engine announces when this link comes by browser command, hyperlink, text and message. */
function announced(login: LoginMethod, link: string): readonly string[] {
  // What the code of a device looks like is not what is asked here, so that this one stands for all.
  const method = login.userCode ? { ...login, userCode: { text: 'ABCD-12345' } } : login;
  const after = method.url?.textAfter;
  const ending = after && 'text' in after ? [after.text] : [];
  const code = method.userCode ? ['Enter this one-time code', '   ABCD-12345', ...ending] : ending;
  const screen: ScreenView = { lines: ['Open', link, ...code, ''], links: [link], clipboard: [link] };
  let run = startLoginRun(method).observe({ type: 'screen', screen });
  for (const elapsedMs of [1000, 2000, 3000]) run = run.observe({ type: 'tick', elapsedMs });
  const urls = [...run.outcome.urls];
  const message = JSON.stringify({ link, code: 'ABCD-12345' });
  const said = method.drive.steps.reduce(
    (told, { id }) => told.observe({ type: 'rpc', line: `{"id":${JSON.stringify(id)},"result":${message}}` }),
    startLoginRun(method).observe({ type: 'tick', elapsedMs: 0 }),
  );
  const shim = startLoginRun(method).observe({ type: 'shim', url: link });
  return [...new Set([...urls, ...shim.outcome.urls, ...said.outcome.urls])];
}

/** The smallest link that the manifest's rules accept. */
function genuineLink(method: LoginMethod): string {
  const { hosts = [], pathPrefixes = [], require = [], sources = [], page } = method.url ?? {};
  if (page !== undefined && sources.length === 0) return page;
  const url = new URL(`https://${(hosts[0] ?? '').replace('*.', 'www.')}${pathPrefixes[0] ?? '/'}`);
  for (const rule of require) {
    const [name = '', ...value] = rule.split('=');
    url.searchParams.set(name, value.length > 0 ? value.join('=') : 'abcdefghijklmnopqrstuvwxyz0123456789');
  }
  const { callback } = method;
  if (callback) {
    url.searchParams.set('redirect_uri', `http://127.0.0.1:${callback.ports[0] ?? 40_000}${callback.path}`);
  }
  return url.href;
}

/** Links that resemble the sign-in page of the method, each wrong in one way. */
export function lookAlikes(method: LoginMethod): readonly string[] {
  const genuine = genuineLink(method);
  const { host, pathname, search } = new URL(genuine);
  const changed = (change: (url: URL) => void): string => {
    const url = new URL(genuine);
    change(url);
    return url.href;
  };
  const required = (method.url?.require ?? []).map((rule) => rule.split('=')[0] ?? '');
  return [
    genuine.replace('https:', 'http:'),
    `https://${host}.evil.test${pathname}${search}`,
    `https://${host}@evil.test${pathname}${search}`,
    `https://user:secret@${host}${pathname}${search}`,
    `https://${host}:8443${pathname}${search}`,
    `https://evil.test/${host}${pathname}${search}`,
    `https://evil-${host}${pathname}${search}`,
    // A Cyrillic letter for the first Latin one that has a twin there.
    `https://${host.replace(/[aceopx]/, (letter) => twins[letter] ?? letter)}${pathname}${search}`,
    `https://${host}/logout?next=${pathname}${search.replace('?', '&')}`,
    `javascript:alert(1)//${host}${pathname}${search}`,
    ...required.map((name) => changed((url) => url.searchParams.delete(name))),
    ...required.map((name) => changed((url) => url.searchParams.set(name, ''))),
    ...(method.callback
      ? ['https://evil.test/', 'http://evil.test:1455/auth/callback', 'http://127.0.0.1:22/'].map((target) =>
          changed((url) => url.searchParams.set('redirect_uri', target)),
        )
      : []),
  ];
}

const twins: Readonly<Record<string, string>> = {
  a: '\u0430',
  c: '\u0441',
  e: '\u0435',
  o: '\u043E',
  p: '\u0440',
  x: '\u0445',
};
