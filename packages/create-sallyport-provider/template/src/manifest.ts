import { manifestSchema, type ProviderManifest, type ProviderManifestInput } from '@sallyport/core/provider';

import lockfile from './cli-lock.json' with { type: 'json' };

/** Everything that says "vendor" here belongs to a fake CLI. Replace it with what yours shows when you run it. */
export const manifest: ProviderManifest = manifestSchema.parse({
  spec: 1,
  id: 'my_cli',
  title: 'My CLI',
  // `reviewed` is the day on which you read them; `deployments` are the kinds that they allow.
  terms: { url: 'https://vendor.example/terms', reviewed: null, deployments: ['self-hosted'] },
  cli: {
    package: '@vendor-example/cli',
    version: lockfile.packages['node_modules/@vendor-example/cli'].version,
    lockfile: JSON.stringify(lockfile),
    bin: {
      'linux-x64': 'node_modules/@vendor-example/cli/bin/vendor',
      'linux-arm64': 'node_modules/@vendor-example/cli/bin/vendor',
    },
    // Whatever turns its updater and its telemetry off.
    env: { VENDOR_NO_UPDATE: '1' },
  },
  commands: { logout: { argv: ['logout'], exits: { '0': 'ok' } } },
  needs: { memoryMb: 512 },
  logins: [
    {
      id: 'device-code',
      title: 'Sign in with a code',
      kind: 'device-code',
      drive: { kind: 'terminal', argv: ['login'] },
      url: {
        sources: ['text'],
        hosts: ['auth.vendor.example'],
        pathPrefixes: ['/device'],
        // A link counts once the text after it is there too, so that it is whole.
        textAfter: { text: 'Enter this code:' },
      },
      userCode: { pattern: 'Enter this code: ([A-Z]{4}-[A-Z]{4})\\b' },
      freshHome: false,
      success: [{ text: 'Signed in as' }],
      failure: [{ when: { text: 'You refused' }, code: 'LOGIN_DENIED', message: 'The sign-in was refused.' }],
      timeoutMs: 15 * 60_000,
    },
  ],
  credentials: [
    {
      as: 'file',
      id: 'auth',
      role: 'secret',
      format: 'json',
      rotates: true,
      require: ['/access_token', '/refresh_token'],
      write: 'replace',
      paths: { browser: '~/.config/vendor/auth.json', cli: '~/.config/vendor/auth.json' },
    },
  ],
  prompt: {
    drive: 'lines',
    input: 'stdin',
    argv: ['run', '--json', { slot: 'tools' }, { slot: 'model', flag: '--model' }],
    resumeArgv: ['run', '--json', { slot: 'tools' }, { slot: 'session', flag: '--resume' }],
    tools: { 'read-only': ['--no-tools'], workspace: [], full: ['--all-tools'] },
    reloginNeeded: [{ pattern: '^Not signed in\\.' }],
  },
  egress: { cli: ['api.vendor.example', 'auth.vendor.example'], signIn: ['auth.vendor.example'] },
} satisfies ProviderManifestInput);
