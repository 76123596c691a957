/**
 * What `npm install --package-lock-only --ignore-scripts @openai/codex@0.169.0` wrote: the exact contents of the
 * CLI and of its binaries, pinned by hash. It names no registry, so that `npm ci` uses the one of the host.
 */
export const lockfile = {
  name: 'sallyport-cli-codex',
  version: '0.0.0',
  lockfileVersion: 3,
  requires: true,
  packages: {
    '': {
      name: 'sallyport-cli-codex',
      version: '0.0.0',
      dependencies: {
        '@openai/codex': '0.169.0',
      },
    },
    'node_modules/@openai/codex': {
      version: '0.169.0',
      integrity: 'sha512-KhzYlkKPxoNssR8CEm45IjqnFWn7UtlF4CiD3tOJPea51xBs7MaHy0UQG9GSbCqk6Lrjn5QdJDV0QD1/FgWlGw==',
      license: 'Apache-2.0',
      bin: {
        codex: 'bin/codex.js',
      },
      engines: {
        node: '>=16',
      },
      optionalDependencies: {
        '@openai/codex-darwin-arm64': 'npm:@openai/codex@0.169.0-darwin-arm64',
        '@openai/codex-darwin-x64': 'npm:@openai/codex@0.169.0-darwin-x64',
        '@openai/codex-linux-arm64': 'npm:@openai/codex@0.169.0-linux-arm64',
        '@openai/codex-linux-x64': 'npm:@openai/codex@0.169.0-linux-x64',
        '@openai/codex-win32-arm64': 'npm:@openai/codex@0.169.0-win32-arm64',
        '@openai/codex-win32-x64': 'npm:@openai/codex@0.169.0-win32-x64',
      },
    },
    'node_modules/@openai/codex-darwin-arm64': {
      name: '@openai/codex',
      version: '0.169.0-darwin-arm64',
      integrity: 'sha512-5WsWFBbVP78D+6FvNo1MMVxLPZdmcoQlqVJFrF4qx/TmvneLnMQKtLyXkUo54XOTDfoYKpNouTJ/F7gTVA8FnQ==',
      cpu: ['arm64'],
      license: 'Apache-2.0',
      optional: true,
      os: ['darwin'],
      engines: {
        node: '>=16',
      },
    },
    'node_modules/@openai/codex-darwin-x64': {
      name: '@openai/codex',
      version: '0.169.0-darwin-x64',
      integrity: 'sha512-K1FKSsSLl9v3z5TeagBQXyQRDBIGB5Jncy5dxsRxwT3aaTqN3AI8VrCfoxBxKMOOU9O2QX1vg7WkBwNVth/s9A==',
      cpu: ['x64'],
      license: 'Apache-2.0',
      optional: true,
      os: ['darwin'],
      engines: {
        node: '>=16',
      },
    },
    'node_modules/@openai/codex-linux-arm64': {
      name: '@openai/codex',
      version: '0.169.0-linux-arm64',
      integrity: 'sha512-NZ/DaQUpcQmxmqee7Z9uC1rzw3GhSbooawcaTe1LN5Yk+WlinUKGdTXJgClRT/9ogQEEM9TWxYzvxPfj5G/xFg==',
      cpu: ['arm64'],
      license: 'Apache-2.0',
      optional: true,
      os: ['linux'],
      engines: {
        node: '>=16',
      },
    },
    'node_modules/@openai/codex-linux-x64': {
      name: '@openai/codex',
      version: '0.169.0-linux-x64',
      integrity: 'sha512-o05NyAOCDygSPRo1yinzxvkRSdmsZyBD9E7mbpmjRanSfM8lypqWtQgEo4XfNkwhuCR2aFu8mlGOsQGFXVbVww==',
      cpu: ['x64'],
      license: 'Apache-2.0',
      optional: true,
      os: ['linux'],
      engines: {
        node: '>=16',
      },
    },
    'node_modules/@openai/codex-win32-arm64': {
      name: '@openai/codex',
      version: '0.169.0-win32-arm64',
      integrity: 'sha512-nTN9SpkacGohq60+I80R3t0R8Mhbnlt3OVYNahgAv1Gu77KFwhPc0vz9Ou/DAGDtYhKVWA/jiYXJXnlzkwb/JA==',
      cpu: ['arm64'],
      license: 'Apache-2.0',
      optional: true,
      os: ['win32'],
      engines: {
        node: '>=16',
      },
    },
    'node_modules/@openai/codex-win32-x64': {
      name: '@openai/codex',
      version: '0.169.0-win32-x64',
      integrity: 'sha512-nC+McFU8xRNL9tk3IhxcKdhcyOElwF/HhPO+gzSQCY7yjh3XdzSajX+MYWcHUVHWRHajfwn3/WgJYJK2wS+XWg==',
      cpu: ['x64'],
      license: 'Apache-2.0',
      optional: true,
      os: ['win32'],
      engines: {
        node: '>=16',
      },
    },
  },
};

/** The `package-lock.json` as text. */
export const lockfileText = `${JSON.stringify(lockfile, null, 2)}\n`;
