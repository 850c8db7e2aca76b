package config

import "reflect"

// Differences returns the keys in which two configurations differ, in the order of
// the reference page: "poll.feed", or "agents" for anything in a list.
func Differences(before, after Config) []string {
	var out []string
	b, a := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range b.NumField() {
		group := b.Type().Field(i).Tag.Get("yaml")
		switch {
		case group == "-":
		case b.Field(i).Kind() == reflect.Struct:
			for j := range b.Field(i).NumField() {
				if !reflect.DeepEqual(b.Field(i).Field(j).Interface(), a.Field(i).Field(j).Interface()) {
					out = append(out, group+"."+b.Field(i).Type().Field(j).Tag.Get("yaml"))
				}
			}
		case !reflect.DeepEqual(b.Field(i).Interface(), a.Field(i).Interface()):
			out = append(out, group)
		}
	}
	return out
}
