import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { desktopAvailable } from './availability.ts';

it('names each missing program and one command that brings them all', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-path-'));
  try {
    writeFileSync(join(folder, 'openbox'), '');
    chmodSync(join(folder, 'openbox'), 0o755);
    // Neither a directory nor a file that cannot be run is a program.
    mkdirSync(join(folder, 'chromium'));
    writeFileSync(join(folder, 'certutil'), '', { mode: 0o644 });
    const checks = desktopAvailable(`relative:${folder}`);
    expect(checks.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'Xtigervnc missing',
      'openbox ok',
      'chromium missing',
      'certutil missing',
    ]);
    expect(checks[0]?.fix).toContain('tigervnc-standalone-server');
    expect(checks[1]).toEqual({ name: 'openbox', state: 'ok', found: join(folder, 'openbox') });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
