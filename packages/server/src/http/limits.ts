/** Open connections of one client address at a time, unless the configuration says otherwise. */
export const CONNECTIONS_PER_ADDRESS = 512;
