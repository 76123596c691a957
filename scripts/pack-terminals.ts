import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Runs before `@sallyport/agent` is packed: puts node-pty's binary for every supported platform into the agent's bundle,
 * not only that of the computer that packs. A tarball thus works on all of them, and for a Linux guest on a Mac. npm
 * installs that of this computer's platform alone, so the others are fetched, and checked against package-lock.json.
 */
const platforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity: string }>>;
}

const root = resolve(import.meta.dirname, '..');
const bundled = join(root, 'packages', 'agent', 'dist', 'agent', 'node_modules');
const { packages }: Lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));

for (const platform of platforms) {
  const name = `@lydell/node-pty-${platform}`;
  if (!existsSync(join(bundled, name))) fetchPackage(name, join(bundled, name));
}

function fetchPackage(name: string, target: string): void {
  const locked = packages[`node_modules/${name}`];
  if (!locked) throw new Error(`package-lock.json does not name ${name}.`);
  const scratch = mkdtempSync(join(tmpdir(), 'sallyport-pack-'));
  try {
    const args = ['pack', `${name}@${locked.version}`, '--json', '--prefer-offline', '--pack-destination', scratch];
    // The `npm pack` that started this may be a dry run; this download is real.
    const env = { ...process.env, npm_config_dry_run: 'false' };
    const answer: readonly { filename: string; integrity: string }[] = Object.values(
      JSON.parse(execFileSync('npm', args, { cwd: scratch, encoding: 'utf8', env })),
    );
    const [tarball] = answer;
    if (!tarball || tarball.integrity !== locked.integrity) {
      throw new Error(`${name}@${locked.version} is not what package-lock.json names.`);
    }
    mkdirSync(target, { recursive: true });
    execFileSync('tar', ['-xzf', join(scratch, tarball.filename), '-C', target, '--strip-components=1']);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
