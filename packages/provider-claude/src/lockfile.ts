/**
 * What `npm install --package-lock-only --ignore-scripts @anthropic-ai/claude-code@2.1.330` wrote: the exact contents
 * of the CLI and of its binaries, pinned by hash. It names no registry, so that `npm ci` uses the one of the host.
 */
export const lockfile = {
  name: 'sallyport-cli-claude',
  version: '0.0.0',
  lockfileVersion: 3,
  requires: true,
  packages: {
    '': {
      name: 'sallyport-cli-claude',
      version: '0.0.0',
      dependencies: {
        '@anthropic-ai/claude-code': '2.1.330',
      },
    },
    'node_modules/@anthropic-ai/claude-code': {
      version: '2.1.330',
      integrity: 'sha512-KQMl6kixLMGHRCDUhkUPebuBhw13MpxlH3+17QzHQx40FNVd1z3uFKUSqQXB5zF9vLQGcpoC/8wWe5R35lsWvQ==',
      hasInstallScript: true,
      license: 'SEE LICENSE IN README.md',
      bin: {
        claude: 'bin/claude.exe',
      },
      engines: {
        node: '>=22.0.0',
      },
      optionalDependencies: {
        '@anthropic-ai/claude-code-darwin-arm64': '2.1.330',
        '@anthropic-ai/claude-code-darwin-x64': '2.1.330',
        '@anthropic-ai/claude-code-linux-arm64': '2.1.330',
        '@anthropic-ai/claude-code-linux-arm64-musl': '2.1.330',
        '@anthropic-ai/claude-code-linux-x64': '2.1.330',
        '@anthropic-ai/claude-code-linux-x64-musl': '2.1.330',
        '@anthropic-ai/claude-code-win32-arm64': '2.1.330',
        '@anthropic-ai/claude-code-win32-x64': '2.1.330',
      },
    },
    'node_modules/@anthropic-ai/claude-code-darwin-arm64': {
      version: '2.1.330',
      integrity: 'sha512-rgzAjrRJJsIdZXGF9CCFFbURxKuJNobRr+krV3dNmqNJWIws74rLD0CABe4+nXlx/9WwRECTrveprWB96mubqw==',
      cpu: ['arm64'],
      license: 'SEE LICENSE IN LICENSE.md',
      optional: true,
      os: ['darwin'],
    },
    'node_modules/@anthropic-ai/claude-code-darwin-x64': {
      version: '2.1.330',
      integrity: 'sha512-XenTNj2zXaFrnLmf47n25vChfFhlfeyaAR/vW5SFsEnLGwd2U1vDUY97+5etHBZu3xWBnlK8HhBVxzRi9YTUDw==',
      cpu: ['x64'],
      license: 'SEE LICENSE IN LICENSE.md',
      optional: true,
      os: ['darwin'],
    },
    'node_modules/@anthropic-ai/claude-code-linux-arm64': {
      version: '2.1.330',
      integrity: 'sha512-V4yanAY5EA5UpwwRPtjSfqDbNqAlUJeVn3NYZw2AgmRHjdpSsLtHAzbxRXfkAnbjwTXzE0uedjQxUY02ARPcsA==',
      cpu: ['arm64'],
      libc: ['glibc'],
      license: 'SEE LICENSE IN LICENSE.md',
      optional: true,
      os: ['linux'],
    },
    'node_modules/@anthropic-ai/claude-code-linux-arm64-musl': {
      version: '2.1.330',
      integrity: 'sha512-NemfeTqZ30tQDhAeumZgDYoX4ewhAHkN3dbcsyvlgb+yvpKUlcYu5Bor8K+Du5azGe3uy9sftlJxbGhTsCR7zA==',
      cpu: ['arm64'],
      libc: ['musl'],
      license: 'SEE LICENSE IN LICENSE.md',
      optional: true,
      os: ['linux'],
    },
    'node_modules/@anthropic-ai/claude-code-linux-x64': {
      version: '2.1.330',
      integrity: 'sha512-9Gn+V7DtJ8M1nztP9CeDVl9g3RtrepI7rOFTyPRRnZe8D6zebIHKmC7OvBauucuAP0X0k85SDN/LPVZyjsGezQ==',
      cpu: ['x64'],
      libc: ['glibc'],
      license: 'SEE LICENSE IN LICENSE.md',
      optional: true,
      os: ['linux'],
    },
    'node_modules/@anthropic-ai/claude-code-linux-x64-musl': {
      version: '2.1.330',
      integrity: 'sha512-OnduSSPY1b59FA8jTbq20Y1XkDUV0S1OVyvYBNslEbpX79P81JF7Ih4lgYvDKiFnnSv75z4Kv6qLE5DQqogYXA==',
      cpu: ['x64'],
      libc: ['musl'],
      license: 'SEE LICENSE IN LICENSE.md',
      optional: true,
      os: ['linux'],
    },
    'node_modules/@anthropic-ai/claude-code-win32-arm64': {
      version: '2.1.330',
      integrity: 'sha512-UBG8oi9gyi2hBGrKYkNfXSAqEyC3wJ2CsmSfQw8XLNWM/GOlUWAqELJOW9eBaAlWsusvwhHKtiQeS0UEQ+skxQ==',
      cpu: ['arm64'],
      license: 'SEE LICENSE IN LICENSE.md',
      optional: true,
      os: ['win32'],
    },
    'node_modules/@anthropic-ai/claude-code-win32-x64': {
      version: '2.1.330',
      integrity: 'sha512-P3aamhGb7lZUsgj6kQzdZAKh3fNFoXvawxZFuUz+pC5HVLwEtX5eWgO6kpxzT9+qfHaPhoepZ9KU8K1sz3b2yw==',
      cpu: ['x64'],
      license: 'SEE LICENSE IN LICENSE.md',
      optional: true,
      os: ['win32'],
    },
  },
};

/** The `package-lock.json` as text. */
export const lockfileText = `${JSON.stringify(lockfile, null, 2)}\n`;
