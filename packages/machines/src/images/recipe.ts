import type { ImageKind } from './image.ts';

/** What a root file system is made of, apart from our files, Node and the CLIs. */
export interface Recipe {
  /** Debian packages, besides those every Debian has. */
  readonly packages: readonly string[];
}

/** Debian release of the guests, whatever the host runs. */
export const SUITE = 'bookworm';

/** In every machine: `bubblewrap` keeps the CLIs' homes apart, `socat` leads the host in, the others are what CLIs expect of a computer. */
const common = ['busybox-static', 'ca-certificates', 'libstdc++6', 'bash', 'git', 'procps', 'bubblewrap', 'socat'];

const desktop = ['tigervnc-standalone-server', 'x11-xkb-utils', 'openbox', 'chromium', 'libnss3-tools', 'dbus'];

/** A sign-in page in any script is readable. */
const fonts = ['fonts-dejavu-core', 'fonts-liberation', 'fonts-noto-cjk', 'fonts-noto-color-emoji'];

export const recipes: Readonly<Record<Exclude<ImageKind, 'kernel'>, Recipe>> = {
  cli: { packages: common },
  browser: { packages: [...common, ...desktop, ...fonts] },
};
