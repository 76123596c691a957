import { describe, expect, it } from 'vitest';

import { credentialItemSchema } from './credential-item.ts';
import type { CredentialItem } from './credential-item.ts';
import { overlappingPaths } from './overlapping-paths.ts';
import type { ManifestFiles } from './overlapping-paths.ts';

const file = (id: string, role: 'secret' | 'settings', cli: string, browser = cli): CredentialItem =>
  credentialItemSchema.parse({
    as: 'file',
    id,
    role,
    format: 'json',
    rotates: false,
    require: [],
    write: 'merge-json',
    paths: { browser, cli },
  });
const settings = (...paths: string[]) => paths.map((path) => ({ path, content: '{}' }));
const key = (...paths: string[]): CredentialItem =>
  credentialItemSchema.parse({ as: 'environment', id: 'key', name: 'KEY', from: 'user', settings: settings(...paths) });

const problems = (parts: Partial<ManifestFiles>): readonly string[] =>
  overlappingPaths({ cli: { settings: [] }, logins: [], credentials: [], ...parts }).map(({ path }) => path.join('/'));

const auth = file('auth', 'secret', '~/.x/config.json');
const apart = file('auth', 'secret', '~/.x/cli.json', '~/.x/browser.json');

describe('a manifest', () => {
  it.each<[what: string, parts: Partial<ManifestFiles>, where: string]>([
    ['the settings of the CLI', { cli: { settings: settings('~/.y', '~/.x/config.json') } }, 'cli/settings/1/path'],
    [
      'the settings of a login method',
      { logins: [{}, { settings: settings('~/.x/config.json') }] },
      'logins/1/settings/0/path',
    ],
    ['a file where the directory has to be', { cli: { settings: settings('~/.x') } }, 'cli/settings/0/path'],
    [
      'a directory where the file has to be',
      { cli: { settings: settings('~/.x/config.json/a') } },
      'cli/settings/0/path',
    ],
    ['another item', { credentials: [auth, file('prefs', 'settings', '~/.x/config.json')] }, 'credentials/1/paths'],
    [
      'another item on one of the machines',
      { credentials: [auth, file('prefs', 'settings', '~/.b', '~/.x/config.json')] },
      'credentials/1/paths',
    ],
    ['the settings of a key, nested', { credentials: [auth, key('~/.x')] }, 'credentials/1/settings/0/path'],
    [
      'settings beside a key',
      { credentials: [file('prefs', 'settings', '~/.s'), key('~/.s')] },
      'credentials/1/settings/0/path',
    ],
  ])('is refused where a credential is overwritten by %s', (_what, parts, where) => {
    expect(problems({ credentials: [auth], ...parts })).toEqual([where]);
  });

  it.each(['~/.x/cli.json', '~/.x/browser.json'])('is refused where settings lie at %s on either machine', (path) => {
    expect(problems({ credentials: [apart], cli: { settings: settings(path) } })).toEqual(['cli/settings/0/path']);
  });

  it('may have files beside each other, and a key in place of the file of a login', () => {
    const beside = settings('~/.x/config.json5', '~/.x/config', '~/.xconfig.json');
    expect(problems({ credentials: [auth], cli: { settings: beside } })).toEqual([]);
    expect(problems({ credentials: [auth, key('~/.x/config.json')] })).toEqual([]);
  });

  it.each(['merge-json', 'fill-json'] as const)(
    'may add keys to its own file of settings (%s), and to no secret',
    (write) => {
      const prefs = file('prefs', 'settings', '~/.s');
      const adding = (path: string) => settings(path).map((own) => ({ ...own, write }));
      expect(problems({ credentials: [prefs], cli: { settings: adding('~/.s') } })).toEqual([]);
      expect(problems({ credentials: [prefs], cli: { settings: adding('~/.s/a') } })).toHaveLength(1);
      expect(problems({ credentials: [auth], cli: { settings: adding('~/.x/config.json') } })).toHaveLength(1);
    },
  );

  it('says what to do instead', () => {
    const [problem] = overlappingPaths({
      cli: { settings: settings('~/.x/config.json') },
      logins: [],
      credentials: [auth],
    });
    expect(problem?.message).toMatch(/would overwrite the credential "auth": leave these settings out, .*merge-json/);
  });
});
