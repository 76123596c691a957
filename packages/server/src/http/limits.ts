/** Open connections of one client address at a time, unless the configuration says otherwise. */
export const CONNECTIONS_PER_ADDRESS = 512;

/** Open event streams, unless the configuration says otherwise. */
export const defaultStreamLimits = { perUser: 64, inAll: 4_000 } as const;

/** Preparations for a login of one user in a minute. A page asks for one when it is opened. */
export const PREPARATIONS_PER_MINUTE = 30;
