import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;

/** Kafka's own client, from one file: produce BROKER COUNT TOPIC:CODEC..., or consume BROKER COUNT TOPIC... */
public class ForeignClient {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", args[1]);
    for (String side : List.of("key.serializer", "value.serializer"))
      properties.put(side, "org.apache.kafka.common.serialization.StringSerializer");
    for (String side : List.of("key.deserializer", "value.deserializer"))
      properties.put(side, "org.apache.kafka.common.serialization.StringDeserializer");
    int count = Integer.parseInt(args[2]);
    for (int i = 3; i < args.length; i++) {
      if (args[0].equals("produce")) produce(properties, count, args[i].split(":"));
      else consume(properties, count, args[i]);
    }
  }

  private static void produce(Properties properties, int count, String[] topicAndCodec) {
    properties.put("compression.type", topicAndCodec[1]);
    // All in one batch, so that there is something to compress.
    properties.put("linger.ms", "100");
    properties.put("batch.size", "900000");
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties)) {
      for (int i = 0; i < count; i++) {
        ProducerRecord<String, String> record =
            new ProducerRecord<>(topicAndCodec[0], "key " + i, "\"the same words again and again " + i + "\"");
        record.headers().add("codec", topicAndCodec[1].getBytes());
        producer.send(record);
      }
    }
  }

  private static void consume(Properties properties, int count, String topic) {
    TopicPartition partition = new TopicPartition(topic, 0);
    // As our own event logs: what is not committed is not there.
    properties.put("isolation.level", "read_committed");
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(properties)) {
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      long deadline = System.nanoTime() + PATIENCE.toNanos();
      for (int seen = 0; seen < count && System.nanoTime() < deadline; ) {
        for (var record : consumer.poll(Duration.ofMillis(200))) {
          Header header = record.headers().lastHeader("codec");
          String codec = header == null ? "" : new String(header.value());
          System.out.println(topic + "\t" + record.key() + "\t" + record.value() + "\t" + codec);
          seen++;
        }
      }
    }
  }
}
