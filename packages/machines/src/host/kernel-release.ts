/** Whether a release such as `6.1.0-40-amd64` is of this version of Linux or a later one. */
export function isKernelAtLeast(release: string, [major, minor]: readonly [major: number, minor: number]): boolean {
  const [foundMajor = 0, foundMinor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}
