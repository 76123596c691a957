import type { ProviderManifestInput } from '@sallyport/core/provider';

/** What `npm install --package-lock-only --ignore-scripts @acme/cli@1.2.3` writes, without the `resolved` lines. */
const lockfile = {
  lockfileVersion: 3,
  packages: {
    '': { dependencies: { '@acme/cli': '1.2.3' } },
    'node_modules/@acme/cli': { version: '1.2.3', integrity: `sha512-${'A'.repeat(86)}==` },
  },
};

export const manifest: ProviderManifestInput = {
  spec: 1,
  id: 'acme',
  title: 'Acme CLI',
  terms: { url: 'https://acme.example/terms', reviewed: null, deployments: ['self-hosted'] },
  cli: {
    package: '@acme/cli',
    version: '1.2.3',
    lockfile: JSON.stringify(lockfile),
    bin: { 'linux-x64': 'node_modules/@acme/cli/bin/acme' },
  },
  commands: {},
  needs: { memoryMb: 512 },
  logins: [],
  credentials: [
    {
      as: 'environment',
      id: 'api_key',
      name: 'ACME_API_KEY',
      from: 'user',
      manualEntry: {
        title: 'Use an Acme API key',
        label: 'API key',
        shape: { pattern: '^ak-[A-Za-z0-9]{20,}$' },
        example: 'ak-…',
      },
    },
  ],
  prompt: {
    drive: 'lines',
    input: 'stdin',
    argv: ['run', { slot: 'tools' }],
    tools: { 'read-only': ['--read-only'], workspace: [], full: ['--allow-all'] },
    reloginNeeded: [],
  },
  egress: { cli: ['api.acme.example'], signIn: [] },
};
