/**
 * GuardDuty findings which mean that the instance itself is in somebody else's hands: what was seen is the instance's own
 * doing, and healthy software does not do it. Reviewed by hand; left out on purpose:
 * - being probed, scanned or tried (`Recon:EC2/PortProbe*`): that is somebody else's doing
 * - types below high severity (`Trojan:EC2/DropPoint`, `Backdoor:EC2/Spambot`): too often wrong to cut a machine off for
 * - names that mail filters, link checkers, proxies and browsers look up for other people
 *   (`Trojan:EC2/PhishingDomainRequest!DNS`, `DriveBySourceTraffic!DNS`, `Impact:EC2/MaliciousDomainRequest.*`)
 * - scanning others (`Impact:EC2/PortSweep`): vulnerability scanners do that for a living
 * - malware in a file (`Execution:EC2/MaliciousFile`): it need not ever have run
 * https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-types-active.html
 */
export const COMPROMISE: readonly { readonly because: string; readonly types: readonly string[] }[] = [
  {
    because: 'it takes orders: it talks to a known command and control server, or gave somebody a shell',
    types: [
      'Backdoor:EC2/C&CActivity.B',
      'Backdoor:EC2/C&CActivity.B!DNS',
      'Backdoor:Runtime/C&CActivity.B',
      'Backdoor:Runtime/C&CActivity.B!DNS',
      'Execution:Runtime/ReverseShell',
    ],
  },
  {
    because: 'it mines cryptocurrency, the usual end of a taken machine',
    types: [
      'CryptoCurrency:EC2/BitcoinTool.B',
      'CryptoCurrency:EC2/BitcoinTool.B!DNS',
      'CryptoCurrency:Runtime/BitcoinTool.B',
      'CryptoCurrency:Runtime/BitcoinTool.B!DNS',
      'Impact:EC2/BitcoinDomainRequest.Reputation',
      'Impact:Runtime/BitcoinDomainRequest.Reputation',
      'Impact:Runtime/CryptoMinerExecuted',
    ],
  },
  {
    because: 'it floods others: each minute harms somebody outside',
    types: [
      'Backdoor:EC2/DenialOfService.Dns',
      'Backdoor:EC2/DenialOfService.Tcp',
      'Backdoor:EC2/DenialOfService.Udp',
      'Backdoor:EC2/DenialOfService.UdpOnTcpPorts',
      'Backdoor:EC2/DenialOfService.UnusualProtocol',
    ],
  },
  {
    because: 'a trojan looks for its master: only malware asks for generated names',
    types: [
      'Trojan:EC2/DGADomainRequest.B',
      'Trojan:EC2/DGADomainRequest.C!DNS',
      'Trojan:Runtime/DGADomainRequest.C!DNS',
    ],
  },
  {
    because: 'it sends data out hidden in DNS queries, which nothing honest does',
    types: ['Trojan:EC2/DNSDataExfiltration'],
  },
  {
    because: 'it is part of the Tor network, which hides who steers it',
    types: [
      'UnauthorizedAccess:EC2/TorClient',
      'UnauthorizedAccess:EC2/TorRelay',
      'UnauthorizedAccess:Runtime/TorClient',
      'UnauthorizedAccess:Runtime/TorRelay',
    ],
  },
];

/** Trying passwords: compromise when the instance is the one that tries, mere noise when it is the one that is tried. */
export const BRUTE_FORCE: readonly string[] = [
  'UnauthorizedAccess:EC2/RDPBruteForce',
  'UnauthorizedAccess:EC2/SSHBruteForce',
];
