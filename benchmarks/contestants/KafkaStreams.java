import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * Kafka Streams: a processor with a state store of each item's last state, in RocksDB or in memory, and its changelog.
 *
 * <p>With its defaults (one thread, at least once, acks=all, commits every 30 s) and with the store's cache, which the
 * DSL also switches on. It is done when it is closed: all is flushed and committed then.
 */
public final class KafkaStreams {
  private static final String STORE = "items";
  private static final ObjectReader READER = new ObjectMapper().readerFor(Event.class);

  /** What is read of an event. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public static final class Event {
    public Data data;
  }

  /** The fields of the item. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public static final class Data {
    public String team;
    public String state;
  }

  /** Items by team: in progress and finished. All tasks run in one thread. */
  private static final Map<String, long[]> COUNTS = new TreeMap<>();
  private static final CountDownLatch ALL = new CountDownLatch(1);
  private static long left;
  private static boolean begun;

  /** Keeps an item's last state and counts. */
  private static final class Count implements Processor<String, byte[], Void, Void> {
    private KeyValueStore<String, String> last;

    @Override
    public void init(ProcessorContext<Void, Void> context) {
      last = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<String, byte[]> record) {
      if (!begun) {
        begun = true;
        say("reading", "null");
      }
      Data data = read(record.value()).data;
      String former = last.get(record.key());
      if (former != null) {
        int cut = former.indexOf('|');
        move(former.substring(0, cut), former.substring(cut + 1), -1);
      }
      move(data.team, data.state, 1);
      last.put(record.key(), data.team + "|" + data.state);
      if (--left == 0) {
        ALL.countDown();
      }
    }
  }

  private static Event read(byte[] value) {
    try {
      return READER.readValue(value);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private static void move(String team, String state, int step) {
    if (!state.equals("To Do")) {
      COUNTS.computeIfAbsent(team, name -> new long[2])[state.equals("Done") ? 1 : 0] += step;
    }
  }

  private static void say(String mark, String result) {
    System.out.printf("{\"mark\": \"%s\", \"at\": %.6f, \"result\": %s}%n", mark, System.nanoTime() / 1e9, result);
    System.out.flush();
  }

  /** Arguments: broker, topic, count, application, folder, `rocksdb` or `memory`. */
  public static void main(String[] arguments) throws InterruptedException {
    left = Long.parseLong(arguments[2]);
    var supplier =
        arguments[5].equals("rocksdb") ? Stores.persistentKeyValueStore(STORE) : Stores.inMemoryKeyValueStore(STORE);
    var topology = new Topology();
    topology.addSource("events", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), arguments[1]);
    topology.addProcessor("count", Count::new, "events");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(supplier, Serdes.String(), Serdes.String()).withCachingEnabled(), "count");
    var properties = new Properties();
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[3]);
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
    properties.put(StreamsConfig.STATE_DIR_CONFIG, arguments[4]);
    properties.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    var streams = new org.apache.kafka.streams.KafkaStreams(topology, properties);
    streams.start();
    ALL.await();
    streams.close(Duration.ofSeconds(60));
    say("done", counts());
  }

  private static String counts() {
    var text = new StringBuilder("{");
    COUNTS.forEach((team, both) -> {
      if (both[0] != 0 || both[1] != 0) {
        text.append(text.length() > 1 ? ", " : "");
        text.append("\"%s\": [%d, %d]".formatted(team, both[0], both[1]));
      }
    });
    return text.append("}").toString();
  }

  private KafkaStreams() {}
}
