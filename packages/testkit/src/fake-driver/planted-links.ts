import { SallyportError } from '@sallyport/core';

/** Symbolic links on the disk of a fake machine, where a credential file or a directory of one should be. */
export interface PlantedLinks {
  /** Paths of a provider's home that are links. A test may add to it. */
  of(provider: string): Set<string>;
  /** As a driver's disk: does not read through a link. */
  refuseReading(provider: string, paths: readonly string[]): void;
  /** As a driver's disk: replaces a link in place of a file, and does not write through a directory that is one. */
  replace(provider: string, paths: readonly string[]): void;
  /** Removes the links themselves. */
  remove(provider: string, paths: readonly string[]): void;
}

export function createPlantedLinks(): PlantedLinks {
  const planted = new Map<string, Set<string>>();

  function linksOf(provider: string): Set<string> {
    const links = planted.get(provider) ?? new Set<string>();
    planted.set(provider, links);
    return links;
  }

  function refuse(provider: string, isMet: (link: string) => boolean): void {
    const link = [...linksOf(provider)].find(isMet);
    if (link === undefined) return;
    const details = { path: link };
    throw new SallyportError('MACHINE_DISK_UNSAFE', `${link} on the machine's disk is a symbolic link.`, { details });
  }

  const isOnTheWay = (link: string, path: string): boolean => path.startsWith(`${link}/`);
  return {
    of: linksOf,
    refuseReading: (provider, paths) =>
      refuse(provider, (link) => paths.some((path) => link === path || isOnTheWay(link, path))),
    replace: (provider, paths) => {
      refuse(provider, (link) => paths.some((path) => isOnTheWay(link, path)));
      for (const path of paths) linksOf(provider).delete(path);
    },
    remove: (provider, paths) => {
      const links = linksOf(provider);
      for (const link of links) {
        if (paths.some((path) => link === path || isOnTheWay(link, path))) links.delete(link);
      }
    },
  };
}
