"""The only door to Faust and to the inside of Kafka's client; README.md in this folder lists what is relied upon."""
