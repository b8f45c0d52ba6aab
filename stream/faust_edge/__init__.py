"""The only code that uses Faust and the internals of Kafka's client; README.md in this folder lists what it uses."""
