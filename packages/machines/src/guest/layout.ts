/** Where things are inside a virtual machine, whichever engine runs it. `guest/` in this package holds the other side. */
export const insideGuest = {
  home: '/sallyport/home',
  homes: '/sallyport/homes',
  bubblewrap: '/usr/bin/bwrap',
  runtime: '/run/m',
  /** CLIs that came with the image. */
  imageCli: (provider: string): string => `/opt/cli/${provider}`,
  /** CLIs that came on the agent drive. */
  driveCli: (provider: string): string => `/run/sallyport/drive/cli/${provider}`,
} as const;
