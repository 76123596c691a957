import { describe, expect, it } from 'vitest';

import { cliPlace } from './cli-place.ts';

const boot = {
  home: '/sallyport/home',
  homes: '/sallyport/homes',
  bubblewrap: '/usr/bin/bwrap',
  runtime: '/run/m',
  clis: {
    drive: '/run/sallyport/drive/cli/drive',
    image: '/opt/cli/image',
    other: '/run/sallyport/drive/cli/other',
    temporary: '/tmp/clis/temporary',
  },
};
const run = {
  home: '/sallyport/homes/drive',
  cwd: '/sallyport/home/work',
  opensLinks: false,
  hiddenPaths: [],
  pinnedPaths: [],
};
const hidden = [
  { path: '/sallyport/home/work/.acme', kind: 'directory' as const },
  { path: '/sallyport/home/work/acme.json', kind: 'file' as const },
];

describe('the sandbox of a CLI', () => {
  it('shows it its own installation where that lies in a directory that is hidden, and no other', () => {
    const line = (provider: string): string =>
      cliPlace(boot, provider).command({ file: '/cli', argv: [] }, run).argv.join(' ');
    expect(line('drive')).toMatch(
      /--tmpfs \/run .*--ro-bind \/run\/sallyport\/drive\/cli\/drive \/run\/sallyport\/drive\/cli\/drive .*--remount-ro \/run /,
    );
    expect(line('temporary')).toContain('--ro-bind /tmp/clis/temporary /tmp/clis/temporary');
    expect(line('drive')).not.toContain('cli/other');
    expect(line('image')).not.toContain('/opt/cli/image');
  });

  it('shows it something empty in place of what it must not see, once `~/work` is there', () => {
    const { argv } = cliPlace(boot, 'image').command({ file: '/cli', argv: [] }, { ...run, hiddenPaths: hidden });
    expect(argv.join(' ')).toContain(
      ' --bind /sallyport/home/work /sallyport/home/work --tmpfs /sallyport/home/work/.acme --remount-ro /sallyport/home/work/.acme --ro-bind /run/m/empty /sallyport/home/work/acme.json ',
    );
  });

  it('pins what it must not move, below what it must not see', () => {
    const pinned = [{ path: '/sallyport/home/work/.other', kind: 'directory' as const }];
    const change = { ...run, hiddenPaths: hidden, pinnedPaths: pinned };
    const { argv } = cliPlace(boot, 'image').command({ file: '/cli', argv: [] }, change);
    expect(argv.join(' ')).toContain(
      ' --bind /sallyport/home/work /sallyport/home/work --bind /sallyport/home/work/.other /sallyport/home/work/.other --tmpfs /sallyport/home/work/.acme ',
    );
  });
});
