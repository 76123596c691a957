import { describe, expect, it } from 'vitest';

import { hardwareHash, qemuArguments } from './hardware.ts';
import type { Hardware, Surroundings } from './hardware.ts';
import { launchWords } from './launch.ts';

const hardware: Hardware = { accelerator: 'tcg', ownKernel: true, role: 'cli', memoryMb: 384, vcpus: 1 };
const surroundings: Surroundings = {
  netdev: 'tap,ifname=fc-vm-one,script=no,downscript=no',
  mac: '02:fc:c0:a8:64:07',
  kernelCommandLine: 'console=ttyS0',
  monitorSocket: 'monitor.sock',
  guestPortSocket: 'port.sock',
  needsSpawn: false,
  incoming: false,
};

describe('the command line of QEMU', () => {
  it('builds the command line for our kernel', () => {
    expect(qemuArguments(hardware, surroundings).join(' ')).toBe(
      '-accel tcg,tb-size=64 -cpu max -machine microvm,acpi=off -m 384 -smp 1 ' +
        '-nodefaults -no-user-config -display none -no-reboot -kernel /proc/self/fd/3 -append console=ttyS0 ' +
        '-netdev tap,ifname=fc-vm-one,script=no,downscript=no,id=net ' +
        '-drive id=image,file=/proc/self/fd/4,format=raw,if=none,readonly=on -device virtio-blk-device,drive=image ' +
        '-drive id=disk,file=/proc/self/fd/5,format=raw,if=none,cache=writeback,discard=unmap -device virtio-blk-device,drive=disk ' +
        '-drive id=agent,file=/proc/self/fd/6,format=raw,if=none,readonly=on -device virtio-blk-device,drive=agent ' +
        '-device virtio-net-device,netdev=net,mac=02:fc:c0:a8:64:07 -device virtio-rng-device ' +
        '-device virtio-balloon-device,free-page-reporting=on ' +
        '-device virtio-serial-device -device virtserialport,chardev=port,name=sallyport.0 ' +
        '-chardev stdio,id=console,signal=off -serial chardev:console ' +
        '-chardev socket,id=port,path=port.sock,server=on,wait=off ' +
        '-chardev socket,id=monitor,path=monitor.sock,server=on,wait=off -mon chardev=monitor,mode=control ' +
        '-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
    );
  });

  it("uses a PC with an initrd for Debian's kernel, and a larger translation cache for a browser machine", () => {
    const words = qemuArguments({ ...hardware, ownKernel: false, role: 'browser' }, surroundings);
    expect(words).toEqual(expect.arrayContaining(['pc', '-initrd', 'tcg,tb-size=256', 'virtio-blk-pci,drive=disk']));
    expect(words.join(' ')).not.toContain('virtio-net-device');
  });

  it('uses the host processor with KVM', () => {
    const words = qemuArguments({ ...hardware, accelerator: 'kvm' }, surroundings).join(' ');
    expect(words).toContain('-accel kvm -cpu host -machine microvm,acpi=off');
  });

  it('waits for an incoming snapshot', () => {
    expect(qemuArguments(hardware, { ...surroundings, incoming: true }).slice(-3)).toEqual([
      '-S',
      '-incoming',
      'defer',
    ]);
  });

  it('lets QEMU start programs only if its network does', () => {
    const words = qemuArguments(hardware, { ...surroundings, needsSpawn: true }).join(' ');
    expect(words).toContain('-sandbox on,obsolete=deny,elevateprivileges=allow,spawn=allow,resourcecontrol=deny');
  });

  it('hashes to the same hardware in another environment, and to different hardware with different memory', () => {
    expect(hardwareHash(hardware)).toMatch(/^[0-9a-f]{16}$/);
    expect(hardwareHash({ ...hardware })).toBe(hardwareHash(hardware));
    for (const change of [{ memoryMb: 512 }, { vcpus: 2 }, { ownKernel: false }, { role: 'browser' as const }]) {
      expect(hardwareHash({ ...hardware, ...change })).not.toBe(hardwareHash(hardware));
    }
  });
});

describe('the words before QEMU', () => {
  const enter = ['nsenter', '--net=/run/netns/one', '--'];

  it('enter the network, make a TAP device, then give every right up', () => {
    const words = launchWords({ enter, uid: 200_001, opensTap: true, diskMb: 512 });
    expect(words.slice(0, 3)).toEqual(enter);
    expect(words.indexOf('unshare')).toBeLessThan(words.indexOf('setpriv'));
    expect(words.join(' ')).toContain(
      'setpriv --no-new-privs --inh-caps=-all --bounding-set=-all --clear-groups --reuid=200001 --regid=200001 -- ' +
        'prlimit --fsize=536870912 --nofile=256 --core=0 --nproc=256 --',
    );
  });

  it('change no user where the server may not, and still raise nothing', () => {
    expect(launchWords({ enter: [], opensTap: false, diskMb: 1 }).join(' ')).toBe(
      'setpriv --no-new-privs --inh-caps=-all -- prlimit --fsize=1048576 --nofile=256 --core=0 --',
    );
  });
});
