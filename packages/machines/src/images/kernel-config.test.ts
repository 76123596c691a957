import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { guestDirectory } from './guest-directory.ts';
import { lostOptions } from './kernel-config.ts';

describe('the configuration of a kernel', () => {
  it('has lost what it does not say as the fragment does', () => {
    const fragment = '# Words\nCONFIG_A=y\nCONFIG_B=y\nCONFIG_C=8\nCONFIG_D=n\nCONFIG_E=n\n';
    expect(lostOptions(fragment, 'CONFIG_A=y\nCONFIG_C=8\n# CONFIG_D is not set\n')).toEqual(['CONFIG_B=y']);
    expect(lostOptions(fragment, 'CONFIG_A=m\nCONFIG_B=y\nCONFIG_C=4\nCONFIG_E=y\n')).toEqual([
      'CONFIG_A=y',
      'CONFIG_C=8',
      'CONFIG_E=n',
    ]);
  });

  it('has the mitigations, and learns when a snapshot goes on', () => {
    const fragment = readFileSync(join(guestDirectory, 'kernel.config'), 'utf8');
    const wanted = ['VMGENID', 'SLUB', 'STACKPROTECTOR_STRONG', 'RANDOMIZE_BASE', 'CPU_MITIGATIONS', 'RETPOLINE'];
    const lines = fragment.split('\n');
    expect(wanted.filter((name) => !lines.includes(`CONFIG_${name}=y`))).toEqual([]);
    expect(lines.filter((line) => line.includes('MITIGATIONS=n'))).toEqual([]);
  });
});
