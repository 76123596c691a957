import { homedir, userInfo } from 'node:os';

import { SallyportError } from '@sallyport/core';

/** The computer that a user has logged in on, where this process runs. */
export interface OwnComputer {
  readonly platform: 'macos' | 'linux';
  /** Absolute path of the home in which the CLI keeps its files. */
  readonly home: string;
  /** Account of a Keychain item that names none. */
  readonly userName: string;
  /** The program that reads the Keychain. By a fixed path, so that no other of that name is run. */
  readonly security: string;
}

/** Throws `CONFIG_HOST_UNSUITABLE` on anything but macOS and Linux. */
export function thisComputer(platform: NodeJS.Platform = process.platform): OwnComputer {
  if (platform !== 'darwin' && platform !== 'linux') {
    throw new SallyportError(
      'CONFIG_HOST_UNSUITABLE',
      `Logins are imported from macOS and Linux, not from ${platform}.`,
      {
        hint: 'Log in on the page of the server instead.',
      },
    );
  }
  return {
    platform: platform === 'darwin' ? 'macos' : 'linux',
    home: homedir(),
    userName: userInfo().username,
    security: '/usr/bin/security',
  };
}
