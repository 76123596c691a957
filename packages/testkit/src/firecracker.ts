/** Firecracker without KVM: its API, jailer, snapshots and vsock, as strict as the release they were taken from. */
export type { FakeComputer, FakeHardware } from './fake-firecracker/computer.ts';
export { startFakeFirecracker } from './fake-firecracker/fake-firecracker.ts';
export type {
  FakeExit,
  FakeFault,
  FakeFirecracker,
  FakeFirecrackerOptions,
  SeenRequest,
} from './fake-firecracker/fake-firecracker.ts';
export type { FakeGuest } from './fake-firecracker/vsock.ts';
