/**
 * The systemd unit of the daemon (dependencies.md 4.4): a user of its own with
 * CAP_NET_ADMIN and nothing else, told when it is ready, started again when it
 * fails but not when it was refused.
 */
import { Exit } from '../failure.ts';

export interface UnitOptions {
  /** Absolute path of the Node program. */
  readonly node: string;
  /** Absolute path of `bin/warren.js`. */
  readonly launcher: string;
}

export const UNIT_NAME = 'warren.service';
export const UNIT_FILE = `/etc/systemd/system/${UNIT_NAME}`;
/** The user and group that the daemon runs as; members of the group may use its control socket. */
export const SERVICE_USER = 'warren';

/** The text of the unit. Throws a RangeError for paths that systemd cannot be told. */
export function unitText({ node, launcher }: UnitOptions): string {
  const warren = [node, launcher].map(quoted).join(' ');
  return `# Made by \`warren service install\`, and again by the next one: changes belong in \`systemctl edit ${UNIT_NAME}\`.
[Unit]
Description=Warren: private networks of this machine's groups
Documentation=man:systemd.exec(5)
Wants=network-pre.target
After=network-pre.target systemd-resolved.service

[Service]
Type=notify
NotifyAccess=main
EnvironmentFile=-/etc/default/warren
ExecStart=${warren} up --state /var/lib/warren --socket /run/warren/warren.sock
Restart=on-failure
# Started again: a full tunnel's kill switch stays closed in between.
RestartKillSignal=SIGHUP
RestartSec=5
# Wrong usage, or refused: starting again changes nothing.
RestartPreventExitStatus=${Exit.usage} ${Exit.notAuthorised}
WatchdogSec=60
TimeoutStartSec=90
User=${SERVICE_USER}
Group=${SERVICE_USER}
StateDirectory=warren
StateDirectoryMode=0700
RuntimeDirectory=warren
RuntimeDirectoryMode=0755
# Compiled code, for a quick start.
CacheDirectory=warren
CacheDirectoryMode=0700
# Network devices, routes and firewall tables of our own, and nothing else that root may.
AmbientCapabilities=CAP_NET_ADMIN CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_BIND_SERVICE
DeviceAllow=/dev/net/tun rw
DevicePolicy=closed
NoNewPrivileges=true
ProtectSystem=strict
ReadWritePaths=-/proc/sys/net -/etc/resolv.conf
ProtectHome=true
PrivateTmp=true
ProtectKernelModules=true
ProtectKernelLogs=true
ProtectControlGroups=true
ProtectClock=true
ProtectHostname=true
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
LockPersonality=true
SystemCallArchitectures=native
UMask=0077

[Install]
WantedBy=multi-user.target
`;
}

/** A word of ExecStart= (systemd.service(5) "Command lines"). */
function quoted(path: string): string {
  if (!path.startsWith('/') || /[\n\r\0]/.test(path)) throw new RangeError('a unit needs absolute paths');
  const escaped = path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w./@:+-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}
