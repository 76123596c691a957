/** Open connections of one client address at a time, unless the configuration says otherwise. */
export const CONNECTIONS_PER_ADDRESS = 512;

/** Open event streams, unless the configuration says otherwise. */
export const defaultStreamLimits = { perUser: 64, inAll: 4_000 } as const;
