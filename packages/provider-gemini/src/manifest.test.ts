import { promptText, buildArgv, guardUrl } from '@sallyport/core/engine';
import { matchText } from '@sallyport/core/provider';
import { describe, expect, it } from 'vitest';

import { lockfile, lockfileText } from './lockfile.ts';
import { manifest } from './manifest.ts';

describe('the lockfile', () => {
  it('pins every package of the CLI by hash and names no registry', () => {
    const { '': root, ...packages } = lockfile.packages;
    expect(root.dependencies).toEqual({ [manifest.cli.package]: manifest.cli.version });
    for (const entry of Object.values(packages)) expect(entry.integrity).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
    expect(lockfileText).not.toMatch(/resolved|https?:/);
  });

  it('has the file that the package starts itself with', () => {
    const { bin } = lockfile.packages['node_modules/@google/gemini-cli'];
    for (const path of Object.values(manifest.cli.bin).flat())
      expect(path).toBe(`node_modules/@google/gemini-cli/${bin.gemini}`);
  });
});

describe('the command lines', () => {
  it('keep a prompt that begins like a command from being run as one', () => {
    expect(promptText(manifest.prompt, '/login does not work on my page')).toBe(' /login does not work on my page');
    expect(promptText(manifest.prompt, '!ls')).toBe('!ls');
  });

  it('send the prompt by stdin, with an approval mode for each tool policy', () => {
    expect(buildArgv(manifest.prompt, { tools: 'read-only' })).toEqual([
      '-o',
      'stream-json',
      '--approval-mode',
      'default',
    ]);
    expect(buildArgv(manifest.prompt, { tools: 'full', model: 'm', session: 's' }).join(' ')).toBe(
      '-o stream-json --approval-mode yolo -m m --resume s',
    );
  });

  it('never use plan mode, which the model may leave for one that allows everything', () => {
    expect(JSON.stringify(manifest.prompt)).not.toContain('plan');
    const [settings] = manifest.cli.settings;
    expect(JSON.parse(settings?.content ?? '')).toMatchObject({ general: { plan: { enabled: false } } });
  });
});

describe('the rules of the logins', () => {
  // The words that 0.61.0 has for each of these.
  it.each([
    ['browser', 'Failed to sign in. Message: Google OAuth error: access_denied. No additional details', 'LOGIN_DENIED'],
    ['browser', 'Failed to sign in. Message: Google OAuth error: server_error. Try later', 'LOGIN_FAILED'],
    ['browser', 'OAuth state mismatch. Possible CSRF attack or browser session issue.', 'LOGIN_FAILED'],
    ['browser', 'Authentication timed out after 5 minutes. The browser tab may', 'LOGIN_FAILED'],
    ['browser', 'Authentication consent could not be obtained.', undefined],
    ['paste-code', 'Failed to authenticate with authorization code:invalid_grant', 'LOGIN_FAILED'],
  ])('take for %s %j as %s', (id, text, code) => {
    const rules = manifest.logins.find((login) => login.id === id)?.failure ?? [];
    expect(rules.find((rule) => matchText(rule.when, text) !== undefined)?.code).toBe(code);
  });

  it('take a link of the one login for no link of the other', () => {
    const [browser, paste] = ['browser', 'paste-code'].map((id) => manifest.logins.find((login) => login.id === id));
    const link =
      'https://accounts.google.com/o/oauth2/v2/auth?redirect_uri=http%3A%2F%2F127.0.0.1%3A40000%2Foauth2callback&scope=a&state=b&response_type=code&client_id=681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com';
    const accepted = [browser, paste].map((login) => login?.url && guardUrl(link, login.url, login.callback).ok);
    expect(accepted).toEqual([true, false]);
  });
});
