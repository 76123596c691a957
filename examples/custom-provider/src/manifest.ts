import { manifestSchema, type ProviderManifest } from '@sallyport/core/provider';

import lockfile from './cli-lock.json' with { type: 'json' };

// What `run` would ask about, it refuses when nobody is there; `--auto` says yes to it.
const permission = { bash: 'ask', webfetch: 'ask', external_directory: 'ask' };
const settings = { autoupdate: false, share: 'disabled', model: 'github-copilot/gpt-5-mini', permission };
const run = ['run', '--format', 'json', { slot: 'tools' as const }, { slot: 'model' as const, flag: '-m' }];

const method = { id: 'device-code', title: 'Sign in with GitHub Copilot', kind: 'device-code' } as const;
const argv = ['auth', 'login', '-p', 'github-copilot', '-m', 'Login with GitHub Copilot'];
// A menu with its cursor on GitHub.com; this is its last entry. It is painted before it listens to keys.
const menu = { id: 'host', when: { text: 'Enterprise' }, do: { kind: 'send', text: '\r', afterMs: 300 } } as const;
const page = { hosts: ['github.com'], pathPrefixes: ['/login/device'], textAfter: { text: 'Enter code:' } };
const refused = { when: { text: 'Failed to authorize' }, code: 'LOGIN_DENIED', message: 'GitHub refused it.' } as const;

const secret = { as: 'file', id: 'auth', role: 'secret', format: 'json', rotates: false, write: 'replace' } as const;
const auth = '~/.local/share/opencode/auth.json';

/** opencode with a GitHub Copilot subscription. Everything here was established by running that version. */
export const manifest: ProviderManifest = manifestSchema.parse({
  spec: 1,
  id: 'opencode',
  title: 'opencode',
  terms: { url: 'https://opencode.ai/legal/terms-of-service', reviewed: null, deployments: ['self-hosted'] },
  cli: {
    // The package `opencode-ai` is a script that chooses between packages like this one, one for each platform.
    package: 'opencode-linux-x64',
    version: lockfile.packages['node_modules/opencode-linux-x64'].version,
    lockfile: JSON.stringify(lockfile),
    bin: { 'linux-x64': 'node_modules/opencode-linux-x64/bin/opencode' },
    env: { OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_LSP_DOWNLOAD: '1' },
    settings: [{ path: '~/.config/opencode/opencode.json', content: JSON.stringify(settings) }],
  },
  commands: {},
  needs: { memoryMb: 1024 },
  logins: [
    {
      ...method,
      drive: { kind: 'terminal', argv, steps: [menu] },
      url: { sources: ['text'], ...page },
      userCode: { pattern: 'Enter code: ([A-Z0-9]{4}-[A-Z0-9]{4})\\b' },
      freshHome: false,
      success: [{ text: 'Login successful' }],
      failure: [refused],
      timeoutMs: 15 * 60_000,
    },
  ],
  credentials: [{ ...secret, require: ['/github-copilot/refresh'], paths: { browser: auth, cli: auth } }],
  prompt: {
    drive: 'lines',
    input: 'stdin',
    argv: run,
    resumeArgv: [...run, { slot: 'session', flag: '-s' }],
    tools: { 'read-only': ['--agent', 'plan'], workspace: [], full: ['--auto'] },
    reloginNeeded: [{ pattern: '^\\{"type":"error",.*"statusCode":401,' }],
  },
  egress: { cli: ['github.com', 'api.githubcopilot.com'], signIn: ['github.com', 'github.githubassets.com'] },
});
