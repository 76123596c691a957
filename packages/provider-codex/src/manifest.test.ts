import { describe, expect, it } from 'vitest';

import { buildArgv, buildRpcRun } from '@sallyport/core/engine';
import { matchText } from '@sallyport/core/provider';
import { lockfile, lockfileText } from './lockfile.ts';
import { provider as simple } from './exec.ts';
import { manifest } from './manifest.ts';

describe('the lockfile', () => {
  it('pins every package of the CLI by hash and names no registry', () => {
    const { '': root, ...packages } = lockfile.packages;
    expect(root.dependencies).toEqual({ [manifest.cli.package]: manifest.cli.version });
    for (const entry of Object.values(packages)) expect(entry.integrity).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
    expect(lockfileText).not.toMatch(/resolved|https?:/);
  });

  it('has the package in which each platform finds its executable', () => {
    for (const path of Object.values(manifest.cli.bin).flat()) {
      expect(Object.keys(lockfile.packages)).toContain(path.slice(0, path.indexOf('/vendor/')));
    }
  });
});

describe('the executable', () => {
  it.each(Object.values(manifest.cli.bin))(
    'is where this release has it, or else where earlier ones had it',
    (...paths) => {
      expect(paths).toEqual([
        expect.stringMatching(/\/vendor\/[a-z0-9_-]+\/bin\/codex$/),
        expect.stringMatching(/\/vendor\/[a-z0-9_-]+\/codex\/codex$/),
      ]);
    },
  );
});

describe('a prompt over the app server', () => {
  it('puts policy, model and conversation into requests, and starts nothing else', () => {
    expect(buildArgv(manifest.prompt, { tools: 'full' })).toEqual(['app-server']);
    const run = buildRpcRun(manifest.prompt, { tools: 'read-only', model: 'm', session: 's' });
    expect(run?.values).toEqual({ tools: 'read-only', model: 'm', session: 's' });
    expect(run?.steps.map(({ do: action }) => action.kind !== 'notify' && action.method)).toContain('thread/resume');
    const policies = (['workspace', 'full'] as const).map(
      (tools) => buildRpcRun(manifest.prompt, { tools })?.values['tools'],
    );
    expect(policies).toEqual(['workspace-write', 'danger-full-access']);
  });
});

describe('the command lines of the simple way', () => {
  it('send the prompt by stdin and the tool policy as a setting that `exec resume` accepts too', () => {
    expect(buildArgv(simple.manifest.prompt, { tools: 'read-only' })).toEqual([
      'exec',
      '--json',
      '--skip-git-repo-check',
      '-c',
      'sandbox_mode="read-only"',
      '-',
    ]);
    expect(buildArgv(simple.manifest.prompt, { tools: 'full', model: 'm', session: 's' }).join(' ')).toBe(
      'exec resume --json --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox -m m s -',
    );
  });
});

describe('the code of a login on another device', () => {
  const code = manifest.logins.find(({ id }) => id === 'device-code')?.userCode;
  const above = 'Enter this one-time code (expires in 15 minutes)\n   WBXF-GPRSM\n';

  // The last lines of 0.169.0 and of 0.128.0.
  it.each([
    'Continue only if you started this login in Codex. If a website gave you this code, cancel.',
    'Device codes are a common phishing target. Never share this code.',
  ])('is whole once the CLI has said below it %j', (below) => {
    expect(code && matchText(code, above + below)).toBe('WBXF-GPRSM');
    expect(code && matchText(code, above)).toBeUndefined();
  });
});

describe('the rules of the logins by a terminal', () => {
  const rules = manifest.logins[0]?.failure ?? [];

  // What 0.169.0 printed when each of these was done to it.
  it.each([
    ['Error logging in: Port 127.0.0.1:1457 is already in use', 'LOGIN_PORT_TAKEN'],
    ['Error logging in: Login cancelled', 'LOGIN_CANCELLED'],
    ['Error logging in: Sign-in failed: User said no', 'LOGIN_DENIED'],
    ['Error logging in: Sign-in failed: server_error', 'LOGIN_FAILED'],
    ['Error logging in: Token exchange failed: error sending request for url (https://x.test)', 'LOGIN_FAILED'],
    ['Error logging in: device auth failed with status 400 Bad Request', 'LOGIN_DENIED'],
    ['Error logging in: device auth failed with status 502 Bad Gateway', 'LOGIN_FAILED'],
  ])('take %j for %s', (text, code) => {
    expect(rules.find((rule) => matchText(rule.when, text) !== undefined)?.code).toBe(code);
  });
});
