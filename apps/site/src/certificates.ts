export {
  type CertificateRequest,
  issueCertificateAuthority,
  issueLeaf,
  readRequest,
} from '../../../packages/peer/src/certificates.ts';
