import { describe, expect, it } from 'vitest';

import type { DriverFeatures } from '../contracts/driver.ts';
import type { CredentialItem } from '../provider/credential-item.ts';
import type { LoginMethod } from '../provider/login-method.ts';
import { methodName, rankMethods, automaticChoices } from './method-selection.ts';
import type { MethodSelectionRequest } from './method-selection.ts';

const method = (id: string, kind: LoginMethod['kind']): LoginMethod => ({
  id,
  title: id,
  kind,
  drive: { kind: 'terminal', argv: [], columns: 80, rows: 24, steps: [] },
  freshHome: true,
  success: [{ text: 'ok' }],
  failure: [],
  timeoutMs: 10_000,
});
const methods = [
  method('device-code', 'device-code'),
  method('browser', 'loopback-callback'),
  method('import', 'import'),
];
const everything: DriverFeatures = { desktop: true, loopback: 'forwarded', hibernate: false, isolation: '' };
const rank = (difference: Partial<MethodSelectionRequest>): ReturnType<typeof rankMethods> =>
  rankMethods({ methods, credentials: [], prefer: 'desktop', features: everything, ...difference });
const names = (difference: Partial<MethodSelectionRequest>): string[] => rank(difference).choices.map(methodName);

describe('the method selection', () => {
  it('prefers the desktop, then the own browser, then a device code', () => {
    expect(names({})).toEqual(['browser:desktop', 'browser:local', 'device-code']);
  });

  it('starts with what needs the least where the operator wants that', () => {
    expect(names({ prefer: 'least-intrusive' })).toEqual(['device-code', 'browser:local', 'browser:desktop']);
  });

  it('leaves out what the driver cannot do, and says why', () => {
    const features: DriverFeatures = {
      ...everything,
      desktop: false,
      desktopHint: 'Install Xtigervnc.',
      loopback: 'none',
    };
    const selection = rank({ features });
    expect(selection.choices.map(methodName)).toEqual(['device-code']);
    expect(selection.unavailable.map((item) => [methodName(item), item.reason])).toEqual([
      ['browser:desktop', 'Install Xtigervnc.'],
      ['browser:local', expect.stringContaining('cannot reach')],
      ['import', expect.stringContaining('POST /api/credentials')],
    ]);
  });

  it('offers what a user can hand over last, and never tries it by itself after something else', () => {
    const shape = { pattern: '^k-' };
    const manualEntry = { title: 'Key', label: 'Key', shape, example: 'k-…' };
    const credentials = [
      { as: 'environment', id: 'api_key', name: 'KEY', from: 'user', manualEntry },
      { as: 'environment', id: 'token', name: 'TOKEN', from: shape, manualEntry },
      { as: 'environment', id: 'silent', name: 'OTHER', from: 'user' },
    ] as const;
    const all = rank({ credentials, prefer: 'least-intrusive' }).choices;
    expect(all.map(methodName).slice(-2)).toEqual(['api-key', 'token']);
    expect(all.at(-1)).toMatchObject({ method: { kind: 'import' }, needs: ['key'], gives: ['token'] });
    expect(automaticChoices(all).map(methodName)).toEqual(['device-code', 'browser:local', 'browser:desktop']);
    const onlyKeys = rank({ methods: [], credentials }).choices;
    expect(automaticChoices(onlyKeys).map(methodName)).toEqual(['api-key', 'token']);
  });

  it('says what each way needs and gives, and leaves out a place where the manifest says it does not work', () => {
    const file = { as: 'file', id: 'auth', role: 'secret', format: 'json', mode: 0o600, rotates: true } as const;
    const paths = { browser: '~/.x/a', cli: '~/.x/a' };
    const credentials: CredentialItem[] = [{ ...file, require: [], write: 'replace', paths }];
    const narrow: LoginMethod = { ...method('browser', 'loopback-callback'), needs: ['own-browser'], gives: ['token'] };
    const { choices } = rank({ credentials, methods: [narrow, method('device-code', 'device-code')] });
    expect(choices.map(({ needs, gives }) => [needs, gives])).toEqual([
      [['own-browser'], ['token']],
      [['own-browser', 'code'], ['auth']],
    ]);
  });

  it('keeps to the method, or the method and display, that a request names', () => {
    expect(names({ request: 'browser' })).toEqual(['browser:desktop', 'browser:local']);
    expect(names({ request: 'browser:local' })).toEqual(['browser:local']);
  });

  it.each([
    ['no-such-method', /has no such method/],
    ['browser:desktop', /have no desktop/],
  ])('refuses %s and lists what would work', (request, reason) => {
    expect(() => rank({ request, features: { ...everything, desktop: false } })).toThrow(
      expect.objectContaining({
        code: 'LOGIN_METHOD_UNAVAILABLE',
        message: expect.stringMatching(reason),
        details: expect.objectContaining({ available: ['browser:local', 'device-code'] }),
      }),
    );
  });
});
