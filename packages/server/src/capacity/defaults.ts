/** What is left to the host itself: the server, the database, the page cache that every machine reads its image through. */
const HEADROOM_PART = 1 / 8;
const LEAST_HEADROOM_MB = 1024;
/** Machines mostly wait for a model. */
const VCPUS_PER_PROCESSOR = 8;
const STARTS_PER_PROCESSOR = 2;
const MOST_STARTS = 8;

/** What machines may take of a host of this size where the operator says nothing. */
export function defaultCapacity(host: { readonly memoryMb: number; readonly processors: number }) {
  const headroomMb = Math.max(LEAST_HEADROOM_MB, host.memoryMb * HEADROOM_PART);
  return {
    memoryMb: Math.max(1, Math.floor(host.memoryMb - headroomMb)),
    vcpus: host.processors * VCPUS_PER_PROCESSOR,
    startAtOnce: Math.min(MOST_STARTS, host.processors * STARTS_PER_PROCESSOR),
  };
}
