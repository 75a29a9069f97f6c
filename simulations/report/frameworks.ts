/**
 * Names of MITRE ATT&CK techniques that concern AWS; an id without a name here is shown alone.
 * https://attack.mitre.org/matrices/enterprise/cloud/iaas/
 */
export const TECHNIQUES: Readonly<Record<string, string>> = {
  'T1021.004': 'Remote Services: SSH',
  'T1021.007': 'Remote Services: Cloud Services',
  T1041: 'Exfiltration Over C2 Channel',
  T1046: 'Network Service Discovery',
  T1048: 'Exfiltration Over Alternative Protocol',
  T1071: 'Application Layer Protocol',
  'T1071.004': 'Application Layer Protocol: DNS',
  T1078: 'Valid Accounts',
  'T1078.004': 'Valid Accounts: Cloud Accounts',
  'T1090.003': 'Proxy: Multi-hop Proxy',
  T1098: 'Account Manipulation',
  'T1098.001': 'Account Manipulation: Additional Cloud Credentials',
  'T1098.003': 'Account Manipulation: Additional Cloud Roles',
  T1110: 'Brute Force',
  T1133: 'External Remote Services',
  'T1136.003': 'Create Account: Cloud Account',
  T1190: 'Exploit Public-Facing Application',
  T1485: 'Data Destruction',
  T1486: 'Data Encrypted for Impact',
  T1490: 'Inhibit System Recovery',
  T1496: 'Resource Hijacking',
  'T1496.001': 'Resource Hijacking: Compute Hijacking',
  T1498: 'Network Denial of Service',
  T1530: 'Data from Cloud Storage',
  T1537: 'Transfer Data to Cloud Account',
  'T1552.005': 'Unsecured Credentials: Cloud Instance Metadata API',
  'T1562.001': 'Impair Defenses: Disable or Modify Tools',
  'T1562.007': 'Impair Defenses: Disable or Modify Cloud Firewall',
  'T1562.008': 'Impair Defenses: Disable or Modify Cloud Logs',
  'T1568.002': 'Dynamic Resolution: Domain Generation Algorithms',
  T1578: 'Modify Cloud Compute Infrastructure',
  'T1578.001': 'Modify Cloud Compute Infrastructure: Create Snapshot',
  'T1578.005': 'Modify Cloud Compute Infrastructure: Modify Cloud Compute Configurations',
  T1580: 'Cloud Infrastructure Discovery',
};

/**
 * Outcomes of NIST CSF 2.0 that exercises touch, as NIST words them; an id without words here is shown alone.
 * https://doi.org/10.6028/NIST.CSWP.29
 */
export const CSF_OUTCOMES: Readonly<Record<string, string>> = {
  'ID.IM-02':
    'Improvements are identified from security tests and exercises, including those done in coordination with suppliers and relevant third parties',
  'ID.IM-03': 'Improvements are identified from execution of operational processes, procedures, and activities',
  'ID.IM-04':
    'Incident response plans and other cybersecurity plans that affect operations are established, communicated, maintained, and improved',
  'PR.AA-01': 'Identities and credentials for authorized users, services, and hardware are managed by the organization',
  'PR.AA-05':
    'Access permissions, entitlements, and authorizations are defined in a policy, managed, enforced, and reviewed, and incorporate the principles of least privilege and separation of duties',
  'PR.DS-01': 'The confidentiality, integrity, and availability of data-at-rest are protected',
  'PR.IR-01': 'Networks and environments are protected from unauthorized logical access and usage',
  'DE.CM-01': 'Networks and network services are monitored to find potentially adverse events',
  'DE.CM-03': 'Personnel activity and technology usage are monitored to find potentially adverse events',
  'DE.CM-06': 'External service provider activities and services are monitored to find potentially adverse events',
  'DE.CM-09':
    'Computing hardware and software, runtime environments, and their data are monitored to find potentially adverse events',
  'DE.AE-02': 'Potentially adverse events are analyzed to better understand associated activities',
  'DE.AE-03': 'Information is correlated from multiple sources',
  'DE.AE-04': 'The estimated impact and scope of adverse events are understood',
  'DE.AE-06': 'Information on adverse events is provided to authorized staff and tools',
  'DE.AE-07': 'Cyber threat intelligence and other contextual information are integrated into the analysis',
  'DE.AE-08': 'Incidents are declared when adverse events meet the defined incident criteria',
  'RS.MA-01':
    'The incident response plan is executed in coordination with relevant third parties once an incident is declared',
  'RS.MA-02': 'Incident reports are triaged and validated',
  'RS.MA-03': 'Incidents are categorized and prioritized',
  'RS.MA-04': 'Incidents are escalated or elevated as needed',
  'RS.MA-05': 'The criteria for initiating incident recovery are applied',
  'RS.AN-03':
    'Analysis is performed to establish what has taken place during an incident and the root cause of the incident',
  'RS.AN-06':
    "Actions performed during an investigation are recorded, and the records' integrity and provenance are preserved",
  'RS.AN-07': 'Incident data and metadata are collected, and their integrity and provenance are preserved',
  'RS.AN-08': "An incident's magnitude is estimated and validated",
  'RS.CO-02': 'Internal and external stakeholders are notified of incidents',
  'RS.CO-03': 'Information is shared with designated internal and external stakeholders',
  'RS.MI-01': 'Incidents are contained',
  'RS.MI-02': 'Incidents are eradicated',
  'RC.RP-01':
    'The recovery portion of the incident response plan is executed once initiated from the incident response process',
  'RC.RP-02': 'Recovery actions are selected, scoped, prioritized, and performed',
  'RC.RP-03': 'The integrity of backups and other restoration assets is verified before using them for restoration',
  'RC.RP-04':
    'Critical mission functions and cybersecurity risk management are considered to establish post-incident operational norms',
  'RC.RP-05':
    'The integrity of restored assets is verified, systems and services are restored, and normal operating status is confirmed',
  'RC.RP-06':
    'The end of incident recovery is declared based on criteria, and incident-related documentation is completed',
  'RC.CO-03':
    'Recovery activities and progress in restoring operational capabilities are communicated to designated internal and external stakeholders',
  'RC.CO-04': 'Public updates on incident recovery are shared using approved methods and messaging',
};
