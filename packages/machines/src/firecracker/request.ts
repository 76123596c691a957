/** One call of Firecracker's API, as data: a boot is a list of these. */
export interface FirecrackerRequest {
  readonly method: 'GET' | 'PUT' | 'PATCH';
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
  /** How much of the guest's memory the call reads or writes. Absent: none, so it is answered at once. */
  readonly movesMemoryMb?: number;
}

export function put(path: string, body: Readonly<Record<string, unknown>>): FirecrackerRequest {
  return { method: 'PUT', path, body };
}

export function patch(path: string, body: Readonly<Record<string, unknown>>): FirecrackerRequest {
  return { method: 'PATCH', path, body };
}
