import type { ErrorCode } from '@millrace/core';

export interface Meaning {
  readonly code: ErrorCode;
  /** What to do about it; empty where the broker's own words say it. */
  readonly advice: string;
}

const refused = (advice: string, code: ErrorCode = 'REFUSED'): Meaning => ({ code, advice });
const unauthorized = (advice: string): Meaning => ({ code: 'UNAUTHORIZED', advice });

/**
 * Answers of a broker that will be the same next time, and what they mean to a caller. All others may pass: leaders and
 * coordinators that move or start, too few replicas in sync, quotas, generations and sessions that are over.
 *
 * Source: https://kafka.apache.org/protocol.html#protocol_error_codes
 */
export const FINAL_ANSWERS: Readonly<Record<string, Meaning>> = {
  CLUSTER_AUTHORIZATION_FAILED: unauthorized('give the user a right to IdempotentWrite or Create on the cluster'),
  GROUP_AUTHORIZATION_FAILED: unauthorized('give the user a right to Read the group'),
  GROUP_MAX_SIZE_REACHED: refused('its group.max.size is reached: start fewer consumers, or raise it'),
  ILLEGAL_SASL_STATE: unauthorized('this listener asks for no user: leave user and password out, or name another port'),
  INCONSISTENT_GROUP_PROTOCOL: refused('other programs share the group in a way of their own: choose another group'),
  INVALID_CONFIG: refused(''),
  INVALID_GROUP_ID: refused('choose another group', 'INVALID_OPTION'),
  INVALID_PARTITIONS: refused(''),
  INVALID_RECORD: refused('the topic wants records of another kind, such as keys where it is compacted'),
  INVALID_REPLICATION_FACTOR: refused('give a replication_factor of at most the number of brokers'),
  INVALID_REQUEST: refused(''),
  INVALID_REQUIRED_ACKS: refused(''),
  INVALID_SESSION_TIMEOUT: refused(
    'give a session_timeout within group.min.session.timeout.ms and group.max.session.timeout.ms of the broker',
    'INVALID_OPTION',
  ),
  INVALID_TIMESTAMP: refused('the clocks of client and broker differ by more than the topic allows'),
  INVALID_TOPIC_EXCEPTION: refused('choose another name for the topic'),
  MESSAGE_TOO_LARGE: refused('raise max.message.bytes of the topic', 'RECORD_TOO_LARGE'),
  POLICY_VIOLATION: refused(''),
  RECORD_LIST_TOO_LARGE: refused('raise segment.bytes of the topic', 'RECORD_TOO_LARGE'),
  SASL_AUTHENTICATION_FAILED: unauthorized('check user, password and sasl_mechanism'),
  TOPIC_AUTHORIZATION_FAILED: unauthorized('give the user a right to Read, Write or Create the topic'),
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: unauthorized(''),
  UNSUPPORTED_COMPRESSION_TYPE: refused('choose another compression'),
  UNSUPPORTED_FOR_MESSAGE_FORMAT: refused('the records of the topic are in a format from before Kafka 0.11'),
  UNSUPPORTED_SASL_MECHANISM: unauthorized('choose a sasl_mechanism that the listener has'),
  UNSUPPORTED_VERSION: refused('the broker is too old, or this is the port of a controller'),
};

/** Failures before there is any answer that will be the same next time, by a part of the driver's message. */
export const FINAL_FAILURES: readonly (readonly [RegExp, Meaning])[] = [
  [/^Broker requires TLS/, refused('say tls=true')],
];

/**
 * Codes of OpenSSL and Node.js for a certificate that is not trusted. What to do is the same for all.
 *
 * Source: https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
export const UNTRUSTED_CERTIFICATE =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w*CERT\w*|UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_\w+|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH_EXCEEDED|ERR_TLS_CERT_ALTNAME_INVALID)$/;

export const CERTIFICATE_ADVICE = refused(
  'name the file of the authority that signed it as tls_ca, and the brokers as the certificate names them',
);

/** A listener that wants TLS, or a user, says so to nobody else: it closes the connection, as a broker that stops does. */
export const CLOSED_EARLY = /^Connection closed/;
export const CLOSED_ADVICE = 'if it stays so, the listener may want tls=true, or a user';
